package send_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/scan/send"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// server answers calls from memory and finishes a scan after a few looks.
type server struct {
	calls  []string
	bodies map[string]any
	looks  int    // until it is finished
	refuse string // how the call begins that is refused
}

func (s *server) Do(_ context.Context, call client.Call, out any) (client.Answer, error) {
	name := strings.TrimSpace(call.Method + " " + call.Path)
	s.calls = append(s.calls, name)
	if s.refuse != "" && strings.HasPrefix(name, s.refuse) {
		return client.Answer{}, &client.Problem{Title: "Forbidden", Status: 403, Detail: "this needs the permission operate"}
	}
	if s.bodies == nil {
		s.bodies = map[string]any{}
	}
	s.bodies[name] = call.Body
	scan := client.Scan{ID: "SC-1", State: "receiving"}
	if call.Path == "/scans/SC-1" {
		scan.State = "judging"
		if s.looks--; s.looks < 0 {
			scan.State = "finished"
		}
	}
	text, err := json.Marshal(scan)
	if err != nil || out == nil {
		return client.Answer{}, err
	}
	return client.Answer{}, json.Unmarshal(text, out)
}

const account = rootkeep.AccountID("111122223333")

func names() map[rootkeep.AccountID]string {
	return map[rootkeep.AccountID]string{account: "production"}
}

func TestAScanIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{looks: 2}
		to := send.New(s, names)
		snapshot := &facts.Snapshot{Format: facts.Format, Account: account, Taken: time.Now()}
		findings := []rootkeep.Finding{{Control: "RT-01", Severity: rootkeep.Critical, Status: rootkeep.Fail, Account: account}}
		if err := to.Account(t.Context(), snapshot, findings); err != nil {
			t.Fatal(err)
		}
		a := &assessment.Assessment{
			Problems: []assessment.Problem{{File: "content", Reason: "a broken control"}, {File: "AWS", Account: "222222222222", Reason: "denied"}},
			Left:     []assessment.Left{{ID: "333333333333", Name: "old", Reason: "its state is SUSPENDED"}},
		}
		scan, err := to.Finish(t.Context(), a)
		if err != nil || scan.State != "finished" {
			t.Fatalf("got %+v and %v, want a finished scan", scan, err)
		}
		want := []string{"POST /sent-scans", "PUT /sent-scans/SC-1/accounts/111122223333", "POST /sent-scans/SC-1/complete", "/scans/SC-1", "/scans/SC-1", "/scans/SC-1"}
		if diff := cmp.Diff(s.calls, want); diff != "" {
			t.Errorf("calls: got (-), want (+)\n%s", diff)
		}
		sent := s.bodies["PUT /sent-scans/SC-1/accounts/111122223333"].(client.Sent)
		if sent.Name != "production" || sent.Counts[rootkeep.Fail][rootkeep.Critical] != 1 || !strings.Contains(string(sent.Snapshot), string(account)) {
			t.Errorf("got %+v, want the snapshot with its name and one critical failure", sent)
		}
		done := s.bodies["POST /sent-scans/SC-1/complete"].(client.Complete)
		missed := []client.Missed{{ID: "222222222222", Problem: "denied"}, {ID: "333333333333", Name: "old", Left: true, Problem: "its state is SUSPENDED"}}
		if diff := cmp.Diff(done.Missed, missed); diff != "" {
			t.Errorf("missed: got (-), want (+)\n%s", diff)
		}
	})
}

func TestWhatCannotBeSentSaysWhy(t *testing.T) {
	snapshot := &facts.Snapshot{Format: facts.Format, Account: account}
	for _, c := range []struct {
		name   string
		server *server
		of     *facts.Snapshot
		want   string
	}{
		{"an account without a number", &server{}, &facts.Snapshot{}, "has no number; hint:"},
		{"a token that may not send", &server{refuse: "POST /sent-scans"}, snapshot, "send: this needs the permission operate"},
		{"an account that the token may not send", &server{refuse: "PUT"}, snapshot, "send account 111122223333: this needs the permission operate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := send.New(c.server, names).Account(t.Context(), c.of, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAServerThatTakesLongIsNotWaitedForWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := send.New(&server{looks: 1000}, names).Finish(ctx, &assessment.Assessment{})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the server has scan SC-1 and is still judging it") {
			t.Errorf("got %v, want an end that says where the scan is", err)
		}
	})
}
