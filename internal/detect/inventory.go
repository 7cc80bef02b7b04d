package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// inventoryKinds are the kinds of watched resources.
var inventoryKinds = map[string]bool{"bucket": true, "key": true, "topic": true, "trail": true, "rule": true, "log-group": true}

// Inventory names the resources that the alarm path and the log path rest on,
// by kind: bucket, key, topic, trail, rule, log-group. Detections on watched
// resources fire only for what is listed.
type Inventory map[string][]string

// Check refuses kinds that no detection asks for: a misspelt kind would watch
// nothing.
func (inv Inventory) Check() error {
	for kind := range inv {
		if !inventoryKinds[kind] {
			return fmt.Errorf("inventory kind %q: want bucket, key, topic, trail, rule or log-group", kind)
		}
	}
	return nil
}

// has compares as AWS names things. Two ARNs are the same or they are not; an
// ARN and a plain name are the same when the ARN ends in the name.
func (inv Inventory) has(kind, name string) bool {
	if name == "" {
		return false
	}
	wanted, wantedARN := resourceName(kind, name)
	for _, known := range inv[kind] {
		have, haveARN := resourceName(kind, known)
		if strings.EqualFold(have, wanted) && (!wantedARN || !haveARN || sameOwner(known, name)) {
			return true
		}
	}
	return false
}

// resourceName is the name inside an ARN, or the name itself.
func resourceName(kind, s string) (name string, isARN bool) {
	arn, err := rootkeep.ParseARN(s)
	if err != nil {
		if kind == "key" || kind == "rule" {
			s = s[strings.LastIndexByte(s, '/')+1:]
		}
		return s, false
	}
	name = arn.Resource
	switch kind {
	case "key", "trail", "rule":
		name = name[strings.LastIndexByte(name, '/')+1:]
	case "topic":
		name, _, _ = strings.Cut(name, ":") // a subscription's ARN goes on with its ID
	case "log-group":
		name = strings.TrimSuffix(strings.TrimPrefix(name, "log-group:"), ":*")
	}
	return name, true
}

// sameOwner compares what stands before the resource in two ARNs.
func sameOwner(a, b string) bool {
	x, _ := rootkeep.ParseARN(a)
	y, _ := rootkeep.ParseARN(b)
	return x.Region == y.Region && x.Account == y.Account
}

func (inv Inventory) add(kind, name string) {
	if name != "" && !inv.has(kind, name) {
		inv[kind] = append(inv[kind], name)
	}
}

func (inv Inventory) merge(other Inventory) {
	for kind, names := range other {
		for _, name := range names {
			inv.add(kind, name)
		}
	}
}

func (inv Inventory) empty() bool { return len(inv) == 0 }

// learn derives watched resources from the calls that set a trail up. Only calls
// that succeeded tell the truth.
func (inv Inventory) learn(v *rootkeep.View, raw []byte) {
	if !bytes.Equal(v.Text(fSource), []byte("cloudtrail.amazonaws.com")) || outcome(v) != outcomeSuccess {
		return
	}
	switch string(v.Text(fName)) {
	case "CreateTrail", "UpdateTrail", "PutEventSelectors":
	default:
		return
	}
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
	var record struct {
		Request  trail `json:"requestParameters"`
		Response trail `json:"responseElements"`
	}
	if json.Unmarshal(raw, &record) != nil {
		return // an odd shape tells nothing; the record itself was read and judged
	}
	for _, t := range []trail{record.Request, record.Response} {
		inv.add("trail", or(t.TrailARN, or(t.Name, t.TrailName)))
		inv.add("bucket", t.Bucket)
		inv.add("key", t.Key)
		inv.add("topic", or(t.TopicARN, t.Topic))
		inv.add("log-group", t.LogGroup)
	}
}
