package posture_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/posture"
)

// A cursor comes from outside: it is one of the order, or it is refused.
func FuzzCursor(f *testing.F) {
	f.Add("WyJ1cmdlbmN5IiwiMTYiLCJSVC0wMSIsIkZJLTEiXQ") // ["urgency","16","RT-01","FI-1"]
	f.Add("WyJhZ2UiLCIxIiwiRkktMSJd")                   // ["age","1","FI-1"]
	f.Add("WyJ1cmdlbmN5Il0")
	f.Add("")
	f.Add(strings.Repeat("A", 5000))
	f.Fuzz(func(t *testing.T, after string) {
		for _, order := range posture.Sorts() {
			n, err := posture.ReadCursor(order, after)
			if err != nil && !errors.Is(err, posture.ErrCursor) || err == nil && after != "" && n < 2 || err != nil && n > 0 {
				t.Errorf("%s %q: got %d values and %v", order, after, n, err)
			}
		}
	})
}

// A snapshot that is sent is packed or refused; what is packed has the number of an
// account and vouches for nothing.
func FuzzPack(f *testing.F) {
	f.Add([]byte(`{"format": 1, "account": "111122223333", "taken": "2026-11-01T06:00:00Z", "facts": {"root": {"has_password": true}}, "origins": [], "gaps": []}`))
	f.Add([]byte(`{"format": 1, "account": "111122223333", "facts": {"attested": {"group_mailbox": true}}, "origins": [{"path": "attested.group_mailbox", "call": "attestation"}], "gaps": [{"path": "decided"}]}`))
	f.Add([]byte(`{"format": 2}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := posture.Pack(bytes.NewReader(file))
		if err != nil {
			return
		}
		if _, err := rootkeep.ParseAccountID(string(p.Account)); err != nil {
			t.Errorf("packed: %v", err)
		}
	})
}
