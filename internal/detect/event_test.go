package detect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// An event says the same whether its texts have numbers or not.
func TestAWholeEventSaysWhatANumberedOneSays(t *testing.T) {
	pack, err := Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hunt, err := NewHunt(pack, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		t.Fatal(err)
	}
	rec, err := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()}).One([]byte(`{"eventID":"aaaaaaaa-0000-4000-8000-00000000000b",
		"eventTime":"2026-03-02T10:00:00Z","eventName":"DeleteTrail","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333",
		"sourceIPAddress":"198.51.100.9","userAgent":"aws-cli","errorCode":"AccessDenied","requestParameters":{"name":"main"},"userIdentity":{"type":"AssumedRole",
		"arn":"arn:aws:sts::444455556666:assumed-role/ops/alice","accountId":"444455556666","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::444455556666:role/ops"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := hunt.NewWorker()
	w.begin(rec, "a file")
	p, ok := w.numbered()
	if !ok {
		t.Fatal("got no numbers, want them")
	}
	whole := w.whole()
	if diff := cmp.Diff(*whole, p.Event(&w.names)); diff != "" {
		t.Errorf("-whole +numbered:\n%s", diff)
	}
	for text, is := range map[string]string{
		"name": whole.Name, "source": whole.Source, "account": string(whole.Account), "region": string(whole.Region), "address": whole.Address, "agent": whole.Agent,
		"error": whole.ErrorCode, "target": whole.Target, "file": whole.File, "type": whole.Actor.Type, "actor's account": string(whole.Actor.Account),
		"ARN": whole.Actor.ARN, "principal": whole.Actor.Principal, "key": whole.Actor.AccessKeyID, "session": whole.Actor.Session,
	} {
		if is == "" {
			t.Errorf("%s is empty, want something to compare", text)
		}
	}
}
