package detect_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// kindOf is what verdicts take a record for.
func kindOf(t *testing.T, bases rule.Bases, set map[string]any) rootkeep.RootKind {
	t.Helper()
	fields, err := cloudtrail.CompileFields(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	sorter, err := rootevent.New(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(event(t, bases, "root-call", 0, set))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := cloudtrail.NewReader(fields, cloudtrail.Options{}).One(text)
	if err != nil {
		t.Fatal(err)
	}
	return sorter.Kind(rec.View)
}

// issued is the identity of a federated session.
func issued(kind, arn string) map[string]any {
	return map[string]any{"userIdentity": map[string]any{
		"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/guest", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE000000042",
		"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": kind, "arn": arn}},
	}}
}

// What has a verdict as a call of root alerts as one.
func TestDetectionsAndVerdictsAgreeOnWhoIsRoot(t *testing.T) {
	pack, bases := shipped(t)
	for _, tt := range []struct {
		name string
		set  map[string]any
		want bool
	}{
		{"root", nil, true},
		{"a session that root gave", issued("Root", "arn:aws:iam::111122223333:root"), true},
		{"a session that root of another partition gave", issued("Root", "arn:aws-us-gov:iam::111122223333:root"), true},
		{"a session that a user gave", issued("IAMUser", "arn:aws:iam::111122223333:user/alice"), false},
		{"a session that a user with the name root gave", issued("IAMUser", "arn:aws:iam::111122223333:user/root"), false},
		{"a session of nobody", issued("", ""), false},
		{"a role with such a name", map[string]any{"userIdentity.type": "AssumedRole"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := kindOf(t, bases, tt.set) != ""; got != tt.want {
				t.Errorf("got a verdict %v, want %v", got, tt.want)
			}
			alerts := 0
			for _, a := range one(t, pack, detect.Options{}, event(t, bases, "root-call", 0, tt.set)).Alerts {
				if a.Rules[0].Name == "root-activity" {
					alerts++
				}
			}
			if (alerts == 1) != tt.want {
				t.Errorf("got %d alerts, want one %v", alerts, tt.want)
			}
		})
	}
}

func TestASessionThatRootGaveIsPartOfRootsOwn(t *testing.T) {
	pack, bases := shipped(t)
	res := one(t, pack, detect.Options{},
		event(t, bases, "root-key-call", 0, map[string]any{"eventSource": "sts.amazonaws.com", "eventName": "GetFederationToken"}),
		event(t, bases, "root-federated-call", 10*time.Minute, nil),
		event(t, bases, "stop-logging", 20*time.Minute, issued("Root", "arn:aws:iam::111122223333:root")),
	)
	if len(res.Sessions) != 1 || res.Sessions[0].Events != 3 || res.Sessions[0].Actor.Principal != rootkeep.RootPrincipal("111122223333") {
		t.Fatalf("got %+v, want one session of root with three events", res.Sessions)
	}
	for _, a := range res.Alerts {
		if !a.Actor.OfRoot() || a.Actor.Principal != rootkeep.RootPrincipal("111122223333") {
			t.Errorf("%s: got it by %+v, want it by root", a.Title, a.Actor)
		}
	}
	stopped := one(t, pack, detect.Options{}, event(t, bases, "stop-logging", 0, issued("IAMUser", "arn:aws:iam::111122223333:user/alice"))).Alerts
	if len(stopped) == 0 || stopped[0].Actor.OfRoot() {
		t.Errorf("got %+v, want an alert of somebody else", stopped)
	}
}
