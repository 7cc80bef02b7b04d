package detect

import (
	"bytes"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/grant"
)

// judge asks whether a document in the record is as bad as a rule says; the finding
// says why. A field that the record repeats is judged by the worst of its values: a
// forger must not choose which one counts.
func (w *Worker) judge(v *rootkeep.View, j *judge) (bad bool, finding string) {
	d := grant.Document{
		Account: rootkeep.AccountID(w.account(v)), Region: rootkeep.Region(v.Text(field.Region)),
		Service: strings.TrimSuffix(string(v.Text(field.Source)), ".amazonaws.com"),
	}
	d.Partition = partition(v)
	d.Holder = holder(v, d)
	d.Text = v.Text(j.number)
	answer := w.grants.Of(j.By, d)
	for i := 0; !answer.Bad; i++ {
		more, ok := v.More(j.number, i)
		if !ok {
			break
		}
		d.Text = more.Text
		answer = w.grants.Of(j.By, d)
	}
	return answer.Bad, answer.Finding
}

// partition is that of the caller's ARN, or of the Region if the record names no
// caller.
func partition(v *rootkeep.View) string {
	if arn, err := rootkeep.ParseARN(string(v.Text(field.ARN))); err == nil {
		return arn.Partition
	}
	return rootkeep.Region(v.Text(field.Region)).Partition()
}

// holder is the ARN of what the record put the document on, "" if it does not say.
// The path of a user or role is not in the request: it is taken to be /.
func holder(v *rootkeep.View, d grant.Document) string {
	for i, kind := range [...]string{":user/", ":role/", ":group/"} {
		if name := v.Text(field.FirstTarget + i); len(name) > 0 {
			return "arn:" + d.Partition + ":iam::" + string(d.Account) + kind + string(name)
		}
	}
	if arn := v.Text(field.FirstTarget + 3); bytes.HasPrefix(arn, []byte("arn:")) {
		return string(arn)
	}
	if bucket := v.Text(field.FirstTarget + 4); len(bucket) > 0 && d.Service == "s3" {
		return "arn:" + d.Partition + ":s3:::" + string(bucket)
	}
	return ""
}
