// Package inventory names the resources that logging and alarms rest on, so that
// detections on watched resources fire only for them.
package inventory

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// List is what a user writes down: names or ARNs by kind. The kinds are bucket,
// key, topic, trail, rule and log-group.
type List map[string][]string

// Known says whether a kind of resource can be watched.
func Known(kind string) bool {
	switch kind {
	case "bucket", "key", "topic", "trail", "rule", "log-group":
		return true
	}
	return false
}

// Check refuses kinds that no detection asks for: a misspelt kind would watch
// nothing.
func (l List) Check() error {
	for kind := range l {
		if !Known(kind) {
			return fmt.Errorf("inventory kind %q: want bucket, key, topic, trail, rule or log-group", kind)
		}
	}
	return nil
}

// Index answers whether a resource is listed. The zero value is empty.
type Index struct {
	of map[entry][]owner
}

type entry struct{ kind, name string } // name in lower case

// owner is the account and Region of an ARN; a plain name has none and stands for
// any.
type owner struct {
	arn     bool
	region  rootkeep.Region
	account rootkeep.AccountID
}

const (
	maxOwners = 64      // of resources with the same name
	maxLearnt = 100_000 // resources that logs alone may name
	maxName   = 2048    // bytes; no ARN is longer
)

// NewIndex indexes a list.
func NewIndex(l List) *Index {
	x := &Index{}
	for kind, names := range l {
		for _, name := range names {
			x.Add(kind, name)
		}
	}
	return x
}

// Len is the number of distinct names.
func (x *Index) Len() int { return len(x.of) }

// Lists says whether anything of a kind is listed.
func (x *Index) Lists(kind string) bool {
	for e := range x.of {
		if e.kind == kind {
			return true
		}
	}
	return false
}

// Add lists one resource.
func (x *Index) Add(kind, resource string) {
	if resource == "" || len(resource) > maxName || x.Has(kind, resource) || len(x.of) >= maxLearnt {
		return
	}
	if x.of == nil {
		x.of = map[entry][]owner{}
	}
	name, o := resourceName(kind, resource)
	if e := (entry{kind, name}); len(x.of[e]) < maxOwners {
		x.of[e] = append(x.of[e], o)
	}
}

// Merge adds what another index lists.
func (x *Index) Merge(other *Index) {
	if x.of == nil {
		x.of = map[entry][]owner{}
	}
	for e, owners := range other.of {
		for _, o := range owners {
			if !listed(x.of[e], o) && len(x.of[e]) < maxOwners {
				x.of[e] = append(x.of[e], o)
			}
		}
	}
}

// Has compares as AWS names things. Two ARNs are the same or they are not; an
// ARN and a plain name are the same when the ARN ends in the name.
func (x *Index) Has(kind, resource string) bool {
	if resource == "" {
		return false
	}
	name, o := resourceName(kind, resource)
	return listed(x.of[entry{kind, name}], o)
}

func listed(owners []owner, o owner) bool {
	for _, known := range owners {
		if !known.arn || !o.arn || known == o {
			return true
		}
	}
	return false
}

// resourceName is the name inside an ARN, or the name itself, in lower case.
func resourceName(kind, s string) (string, owner) {
	arn, err := rootkeep.ParseARN(s)
	if err != nil {
		if kind == "key" || kind == "rule" {
			s = s[strings.LastIndexByte(s, '/')+1:]
		}
		return strings.ToLower(s), owner{}
	}
	name := arn.Resource
	switch kind {
	case "key", "trail", "rule":
		name = name[strings.LastIndexByte(name, '/')+1:]
	case "topic":
		name, _, _ = strings.Cut(name, ":") // a subscription's ARN goes on with its ID
	case "log-group":
		name = strings.TrimSuffix(strings.TrimPrefix(name, "log-group:"), ":*")
	}
	return strings.ToLower(name), owner{true, arn.Region, arn.Account}
}

// Tells says that a call of this name tells of watched resources.
func Tells(eventName string) bool {
	return eventName == "CreateTrail" || eventName == "UpdateTrail" || eventName == "PutEventSelectors"
}

// Learn derives watched resources from a call that set a trail up and succeeded:
// CreateTrail, UpdateTrail, PutEventSelectors. record is its JSON.
func (x *Index) Learn(eventName string, record []byte) {
	type trail struct {
		Name      string `json:"name"`
		TrailName string `json:"trailName"`
		TrailARN  string `json:"trailARN"`
		Bucket    string `json:"s3BucketName"`
		Key       string `json:"kmsKeyId"`
		Topic     string `json:"snsTopicName"`
		TopicARN  string `json:"snsTopicARN"`
		LogGroup  string `json:"cloudWatchLogsLogGroupArn"`
	}
	var call struct {
		Request  trail `json:"requestParameters"`
		Response trail `json:"responseElements"`
	}
	if !Tells(eventName) || json.Unmarshal(record, &call) != nil {
		return // an odd shape tells nothing; the record itself was read and judged
	}
	for _, t := range []trail{call.Request, call.Response} {
		for _, name := range []string{t.TrailARN, t.Name, t.TrailName} {
			x.Add("trail", name)
		}
		x.Add("bucket", t.Bucket)
		x.Add("key", t.Key)
		x.Add("topic", t.TopicARN)
		x.Add("topic", t.Topic)
		x.Add("log-group", t.LogGroup)
	}
}
