package outbox

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	asked "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	roles "github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestNoticesReachThoseConcerned(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	id, machine := map[string]string{}, ""
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for name, mail := range map[string]string{"Ann": "ann@example.com", "Bob": "bob@example.com", "Cid": "cid@example.com", "Dan": "", "Eve": "eve@example.com"} {
			p, err := people.Add(ctx, tx, "system", name, mail)
			if err != nil {
				return err
			}
			id[name] = p.ID
		}
		token, _, err := people.IssueToken(ctx, tx, id["Bob"], "nightly", []roles.Grant{{Role: roles.Responder, Scope: roles.Everywhere}}, time.Hour)
		machine = token.ID
		if err != nil {
			return err
		}
		return people.Suspend(ctx, tx, "system", id["Eve"])
	})
	if err != nil {
		t.Fatal(err)
	}
	could := func(context.Context, *store.Reader, *approvals.Matter) ([]approvals.Approver, error) {
		return []approvals.Approver{{ID: id["Bob"]}, {ID: id["Dan"]}, {ID: id["Eve"]}, {ID: id["Bob"]}, {ID: "PE-GONE"}}, nil
	}
	for _, test := range []struct {
		name  string
		state access.State
		could Could
		want  []string
	}{
		{"a request that waits is for who could approve it, has an address and is not suspended", access.Requested, could, []string{"bob@example.com"}},
		{"where nobody says who could, it is for the way's own recipients", access.Requested, nil, nil},
		{"a session that nobody closed is for who asked and the custodian", access.Closing, could, []string{"ann@example.com", "cid@example.com"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &access.Request{ID: "RR-1", State: test.state, Asked: &asked.Request{Custodian: id["Cid"]},
				Matter: &approvals.Matter{Version: approvals.Version{Request: &approval.Request{Requester: id["Ann"]}}}}
			var got []string
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				got, err = (&Outbox{Could: test.could}).concerned(ctx, r, x)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
	err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		for want, ids := range map[string][]string{
			"Bob (" + id["Bob"] + "), Dan (" + id["Dan"] + ")": {id["Bob"], id["Dan"]},
			"nobody, because nobody could have approved it":    nil,
		} {
			if got, err := namesOf(ctx, r, ids); err != nil || got != want {
				t.Errorf("names: got %q, %v, want %q", got, err, want)
			}
		}
		for who, want := range map[string]string{id["Bob"]: "Bob (" + id["Bob"] + ")", machine: "the token nightly (" + machine + ")", "TK-NONE": "TK-NONE"} {
			if got, err := nameOf(ctx, r, who); err != nil || got != want {
				t.Errorf("who did it: got %q, %v, want %q", got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
