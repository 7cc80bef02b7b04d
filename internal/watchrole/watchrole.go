// Package watchrole writes the role that live sources are read with: queues and buckets go
// in; CloudFormation, Terraform or JSON come out. The role may read these and no others.
package watchrole

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awsrole"
)

// Name is what the role is called unless somebody says otherwise, and Source the source
// identity of its sessions.
const (
	Name   = "RootkeepWatch"
	Source = "SC-WATCH"
)

// Role is what is written. The zero value may do nothing, and is not written.
type Role struct {
	Name       string // "" is Name
	Broker     string // ARN of who enters it, "" is asked for when the role is made
	ExternalID string // that the broker has to give, "" for none
	Lookup     bool   // asks the event history

	queues, buckets, objects []string // ARNs
	services                 []string // that decrypt for it, such as s3.eu-west-1.amazonaws.com
}

// Formats are the names that Write knows.
func Formats() []string { return []string{"cloudformation", "json", "terraform"} }

// Queue adds a queue by its URL, and the buckets whose objects its messages name. region
// is the queue's if its URL has none.
func (r *Role) Queue(url, region string, buckets []string) {
	rest := strings.Split(strings.TrimRight(url[strings.Index(url, "//")+len("//"):], "/"), "/")
	if host := strings.Split(rest[0], "."); region == "" && len(host) > 1 {
		region = host[1]
	}
	if len(rest) == 3 {
		add(&r.queues, "arn:"+Partition(region)+":sqs:"+region+":"+rest[1]+":"+rest[2])
	}
	r.via("sqs", region)
	for _, b := range buckets {
		r.Bucket(b, "", region)
	}
}

// Bucket adds a bucket; of its objects those below the prefix and AWSLogs.
func (r *Role) Bucket(name, prefix, region string) {
	arn := "arn:" + Partition(region) + ":s3:::" + name
	add(&r.buckets, arn)
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		add(&r.objects, arn+"/*") // a message tells where in the bucket
	} else {
		add(&r.objects, arn+"/"+prefix+"/AWSLogs/*")
	}
	r.via("s3", region)
}

func add(list *[]string, text string) {
	if !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

func (r *Role) via(service, region string) {
	suffix := ".amazonaws.com"
	if Partition(region) == "aws-cn" {
		suffix += ".cn"
	}
	add(&r.services, service+"."+region+suffix)
}

// Partition is the part of AWS that a Region is in.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// Policy is the role's policy. Keys are those with which SQS and S3 decrypt for it: which
// ones a trail and a queue have, their configuration says.
func (r *Role) Policy() awsrole.Policy {
	allow := func(sid string, resource any, actions ...string) awsrole.Statement {
		return awsrole.Statement{Sid: sid, Effect: "Allow", Action: awsrole.One(actions), Resource: resource}
	}
	var out []awsrole.Statement
	if len(r.queues) > 0 {
		out = append(out, allow("ReadQueues", awsrole.One(r.queues), "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"))
	}
	if len(r.buckets) > 0 {
		out = append(out, allow("ReadLogFiles", awsrole.One(r.objects), "s3:GetObject"), allow("ListBuckets", awsrole.One(r.buckets), "s3:ListBucket"))
	}
	if len(r.services) > 0 {
		decrypt := allow("DecryptWhatIsRead", "*", "kms:Decrypt")
		decrypt.Condition = map[string]map[string]any{"StringEquals": {"kms:ViaService": awsrole.One(r.services)}}
		out = append(out, decrypt)
	}
	if r.Lookup {
		out = append(out, allow("AskEventHistory", "*", "cloudtrail:LookupEvents"))
	}
	return awsrole.Policy{Name: "watch", Statements: out}
}

// Write writes the role in one of Formats.
func (r *Role) Write(w io.Writer, format string) error {
	if !slices.Contains(Formats(), format) {
		return fmt.Errorf("format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	p := r.Policy()
	if len(p.Statements) == 0 {
		return errors.New("no source is read with the role " + cmp.Or(r.Name, Name))
	}
	return awsrole.Role{
		Name: cmp.Or(r.Name, Name), Title: "Role that rootkeep reads live sources with", About: "Entered by rootkeep to read events while they happen",
		Head:   "The role that rootkeep reads live sources with: these queues and buckets, and no others.\nWritten by `rootkeep role render`; write it again when the sources change.",
		Enters: awsrole.Entrant{Word: "broker", Does: "watches", Sources: []string{Source}, ARN: r.Broker, ExternalID: r.ExternalID}, Policy: p,
	}.Write(w, format)
}
