package awsread_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// newGroupThrough makes a group whose requests to STS go through a function: it may answer one
// itself, or change the simulator's answer.
func newGroupThrough(t *testing.T, accounts int, answer func(operation string, from http.HandlerFunc) http.HandlerFunc) *group {
	t.Helper()
	o := simtest.Start(t, accounts, func(sim http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			_, operation, ok := strings.Cut(string(body), "Action=Assume")
			if !ok {
				sim.ServeHTTP(w, r)
				return
			}
			operation, _, _ = strings.Cut(operation, "&")
			answer("Assume"+operation, sim.ServeHTTP)(w, r)
		})
	})
	return &group{o, &world{Cloud: o.Cloud, t: t}, awsread.Entry{Scan: "SC-TEST", Role: simtest.Role}}
}

var expiration = regexp.MustCompile(`<Expiration>[^<]*`)

// A session is renewed for a call that waits for its turn. With one call at once nothing
// may wait for the other.
func TestASessionIsRenewedWithOneCallAtOnce(t *testing.T) {
	g := newGroupThrough(t, 4, func(operation string, from http.HandlerFunc) http.HandlerFunc {
		if operation != "AssumeRole" {
			return from
		}
		return func(w http.ResponseWriter, r *http.Request) {
			got := httptest.NewRecorder()
			from(got, r)
			for name, values := range got.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(got.Code)
			w.Write(expiration.ReplaceAll(got.Body.Bytes(), []byte("<Expiration>"+time.Now().Add(time.Minute).UTC().Format(time.RFC3339))))
		}
	})
	g.entry.Calls = 1
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	o, err := awsread.Discover(ctx, g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	renewed := 0
	err = o.Read(ctx, []rootkeep.AccountID{g.ID("app-1")}, func(_ rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if err != nil {
			return err
		}
		if len(s.Gaps) > 0 {
			t.Errorf("gaps: got %v, want none", s.Gaps)
		}
		renewed = len(s.Sessions)
		return nil
	})
	if err != nil || renewed < 10 {
		t.Errorf("got %d sessions, %v, want a new one for each call", renewed, err)
	}
}
