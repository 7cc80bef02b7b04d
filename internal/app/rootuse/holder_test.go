package rootuse_test

import (
	"context"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestTheNewestScanSaysWhatAnAccountIs(t *testing.T) {
	taken := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scan := func(id string, o facts.Organization, known ...string) {
			t.Helper()
			x := &facts.Snapshot{Format: facts.Format, Account: "111122223333", Taken: taken, Gaps: []facts.Gap{}, Origins: []facts.Origin{}}
			x.Facts.Organization = o
			x.Observe("organizations:DescribeOrganization", taken, "", known...)
			p, err := posture.Prepare(posture.Account{Snapshot: x})
			if err != nil {
				t.Fatal(err)
			}
			err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := posture.Start(ctx, tx, posture.Begin{ID: id, Source: posture.Imported, Actor: "PE-1", State: posture.Judging}); err != nil {
					return err
				}
				if err := posture.Take(ctx, tx, id, p); err != nil {
					return err
				}
				_, err := posture.Finish(ctx, tx, posture.End{ID: id, Actor: "PE-1"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(what string, account rootkeep.AccountID, want access.Holder) {
			t.Helper()
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				got, err := rootuse.HolderOf(ctx, r, account)
				if got.Holder != want || want != "" && !got.Read.Equal(taken) {
					t.Errorf("%s: got %q read at %s, want %q", what, got.Holder, got.Read, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want("an account that no scan has seen", "999988887777", "")
		scan("SC-1", facts.Organization{})
		want("a scan that could not ask", "111122223333", "")
		for i, tt := range []struct {
			name  string
			of    facts.Organization
			known []string
			want  access.Holder
		}{
			{"in no organization", facts.Organization{}, []string{"organization"}, access.Standalone},
			{"a member", facts.Organization{Member: true, ID: "o-1"}, []string{"organization"}, access.Member},
			{"the management account", facts.Organization{Member: true, Management: true, ID: "o-1"}, []string{"organization"}, access.Management},
			{"in one, and nobody knows as what", facts.Organization{Member: true, ID: "o-1"}, []string{"organization.member"}, ""},
		} {
			taken = taken.Add(time.Hour)
			scan("SC-"+string(rune('2'+i)), tt.of, tt.known...)
			want(tt.name, "111122223333", tt.want)
		}
	})
}
