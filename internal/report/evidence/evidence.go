// Package evidence says what a bundle of evidence proves. A bundle that was checked goes
// in; which of three roots of trust stand behind it, and what is wrong, comes out: the
// security keys of approvers, AWS's signatures, the ledger's key with its anchors.
package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/timestamp"
	"github.com/rootkeep/rootkeep/ledger"
)

// State is what became of a check.
type State string

// The states. Unproven is what nothing speaks against and nothing from outside the
// bundle speaks for. Absent is what the bundle holds nothing of.
const (
	Proven   State = "proven"
	Unproven State = "unproven"
	Broken   State = "broken"
	Absent   State = "absent"
)

// Report is what a bundle proves.
type Report struct {
	Schema    string         `json:"schema"`
	State     State          `json:"state"`
	Origin    string         `json:"origin"`
	Manifest  string         `json:"manifest_sha256"`
	Head      int64          `json:"head"` // entries of the log that all rests on
	Root      string         `json:"root"` // hash of that head, base64
	First     int64          `json:"first"`
	Entries   int            `json:"entries"` // that are proven, without those on the borders
	Period    *ledger.Period `json:"period,omitempty"`
	OpenEnd   bool           `json:"open_end"` // the period reaches beyond the log's newest entry
	Erased    []Erased       `json:"erased"`
	Ledger    LedgerRoot     `json:"ledger"`
	Approvers ApproverRoot   `json:"approvers"`
	AWS       AWSRoot        `json:"aws"`
	RootUsers *RootPart      `json:"root_users,omitempty"` // of a bundle about root users
	Faults    []Fault        `json:"faults"`
}

// Erased is a payload that is gone: what it said is not proven any more.
type Erased struct {
	Entry int64  `json:"entry"`
	Name  string `json:"name"`
}

// Fault is something that is not as it should be.
type Fault struct {
	Entry *int64 `json:"entry,omitempty"`
	Text  string `json:"text"` // may hold text of the bundle: hostile
}

// LedgerRoot is the ledger's key, and the places that hold its checkpoints.
type LedgerRoot struct {
	State   State    `json:"state"`
	Keys    []string `json:"keys"`
	OwnKeys bool     `json:"own_keys"` // nobody gave a key: the bundle's own were taken
	Anchors []Anchor `json:"anchors"`
}

// Anchor is a checkpoint that a place holds, of which the bundle's log is a continuation.
type Anchor struct {
	Place string    `json:"place"`
	Kind  string    `json:"kind"`
	Size  int64     `json:"size"`
	At    time.Time `json:"at"` // as the ledger's keeper says; a stamp says it itself
	State State     `json:"state"`
	Text  string    `json:"text"`
}

// ApproverRoot is the security keys of people.
type ApproverRoot struct {
	State     State      `json:"state"`
	Approvals []Approval `json:"approvals"`
	Unsigned  []int64    `json:"unsigned"` // entries that tell of a decision and hold no signature
}

// Approval is a decision that a security key signed.
type Approval struct {
	Entry    int64  `json:"entry"`
	Request  string `json:"request"`
	Decision string `json:"decision"`
	Approver string `json:"approver"`
	Key      string `json:"key"` // SHA-256 of its public key
	Model    string `json:"model"`
	Site     string `json:"site"` // the page that it was signed on
}

// Trust is what the reader of a bundle has from elsewhere, beside the ledger's keys.
type Trust struct {
	Stamps *x509.CertPool // root certificates of time-stamping authorities, nil for none
	AWS    digest.Keys    // AWS's public keys for CloudTrail, nil for none
}

// Check says what a bundle proves. When ctx ends, what was not looked at is a fault.
func Check(ctx context.Context, v *ledger.Verdict, t Trust) *Report {
	out := &Report{
		Schema: "rootkeep/verify/1", Origin: v.Origin, Manifest: v.Manifest, Head: v.Head.Size, Root: v.Head.Root.String(), First: v.First, Period: v.Period,
		Erased: []Erased{}, Faults: []Fault{}, AWS: AWSRoot{State: Absent},
	}
	for _, err := range v.Faults {
		out.fault(err)
	}
	for i := range v.Entries {
		e := &v.Entries[i]
		for _, name := range e.Erased {
			out.Erased = append(out.Erased, Erased{e.Index, name})
		}
		if !e.Border {
			out.Entries++
		}
	}
	if v.Period != nil {
		out.OpenEnd = len(v.Entries) == 0 || !v.Entries[len(v.Entries)-1].Border || v.Entries[len(v.Entries)-1].Time.Before(v.Period.To)
	}
	out.ledger(v, t.Stamps)
	out.approvers(v)
	out.aws(ctx, v, t.AWS)
	out.root(ctx, v)
	out.State = out.whole()
	return out
}

func (r *Report) fault(err error) {
	f := Fault{Text: err.Error()}
	var fault *ledger.Fault
	if errors.As(err, &fault) && fault.Entry >= 0 {
		f.Entry = &fault.Entry
	}
	r.Faults = append(r.Faults, f)
}

func (r *Report) whole() State {
	switch {
	case len(r.Faults) > 0:
		return Broken
	case r.Ledger.State != Proven:
		return r.Ledger.State
	case r.Approvers.State == Unproven || r.AWS.State == Unproven || r.RootUsers != nil && r.RootUsers.State != Proven:
		return Unproven
	}
	return Proven
}

// ledger is the ledger's own root: proven by keys that the reader has from elsewhere.
func (r *Report) ledger(v *ledger.Verdict, stamps *x509.CertPool) {
	l := &r.Ledger
	l.Keys, l.OwnKeys, l.Anchors = v.Keys, v.OwnKeys, []Anchor{}
	for _, h := range v.Anchors {
		a := Anchor{h.Place, h.Kind, h.Size, h.At, Unproven, "compare with the checkpoint of " + fmt.Sprint(h.Size) + " entries that " + h.Place + " holds"}
		if h.Kind == "timestamp" {
			a.State, a.Text = stamped(h, stamps)
		}
		if a.State == Broken {
			r.fault(fmt.Errorf("anchor of %d entries at %s: %s", h.Size, h.Place, a.Text))
		}
		l.Anchors = append(l.Anchors, a)
	}
	switch {
	case len(r.Faults) > 0:
		l.State = Broken
	case v.OwnKeys:
		l.State = Unproven
	default:
		l.State = Proven
	}
}

func stamped(h ledger.Held, roots *x509.CertPool) (State, string) {
	if roots == nil {
		return Unproven, "no root certificates of the time-stamping authority were given"
	}
	s, err := timestamp.Check(h.Proof, sha256.Sum256(h.Signed), roots)
	if err != nil {
		return Broken, err.Error()
	}
	return Proven, fmt.Sprintf("stamped at %s by %s", s.Time.Format(time.RFC3339), s.Authority)
}

// approvers checks every signature of a security key in the bundle.
func (r *Report) approvers(v *ledger.Verdict) {
	a := &r.Approvers
	a.Approvals, a.Unsigned = []Approval{}, []int64{}
	broken := false
	for i := range v.Entries {
		e := &v.Entries[i]
		if e.Border {
			continue
		}
		found := false
		for _, name := range sorted(e.Files) {
			text, err := v.Read(e.Files[name])
			if err != nil || !isApproval(text) {
				continue // what cannot be read is a fault of the bundle already
			}
			found = true
			one, err := approved(e, text)
			if err != nil {
				broken = true
				r.fault(&ledger.Fault{Entry: e.Index, Reason: "approval: " + err.Error()})
				continue
			}
			a.Approvals = append(a.Approvals, *one)
		}
		if told := strings.HasSuffix(e.Type, ".approved") || strings.HasSuffix(e.Type, ".denied") || strings.HasSuffix(e.Type, ".overridden"); told && !found {
			a.Unsigned = append(a.Unsigned, e.Index)
		}
	}
	switch {
	case broken:
		a.State = Broken
	case len(a.Unsigned) > 0:
		a.State = Unproven
	case len(a.Approvals) > 0:
		a.State = Proven
	default:
		a.State = Absent
	}
}

func sorted(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isApproval tells a saved approval from other payloads.
func isApproval(text []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || !bytes.Contains(text, []byte(approval.RecordSchema)) {
		return false
	}
	var head struct {
		Schema string `json:"schema"`
	}
	return json.Unmarshal(text, &head) == nil && head.Schema == approval.RecordSchema
}

func approved(e *ledger.Proven, text []byte) (*Approval, error) {
	record, err := approval.ReadRecord(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	checked, err := record.Check()
	if err != nil {
		return nil, err
	}
	s := checked.Statement
	if s.Request != e.Subject || s.Approver != e.Actor {
		return nil, fmt.Errorf("the signature is of %s on %s, the entry says %s on %s", s.Approver, s.Request, e.Actor, e.Subject)
	}
	if want := decided(s.Decision); !strings.HasSuffix(e.Type, want) {
		return nil, fmt.Errorf("the signature says %s, the entry %s", s.Decision, e.Type)
	}
	fingerprint := record.Key.Fingerprint()
	return &Approval{e.Index, s.Request, string(s.Decision), s.Approver, fmt.Sprintf("%x", fingerprint[:]), record.Key.AAGUID, record.Site.Origin}, nil
}

// decided is how the types of entries end that tell of a decision.
func decided(d approval.Decision) string {
	switch d {
	case approval.Deny:
		return ".denied"
	case approval.Override:
		return ".overridden"
	}
	return ".approved"
}
