package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Request is a request for root with all that became of it.
type Request struct {
	ID         string             `json:"id"`
	State      string             `json:"state"` // at the newest entry
	Account    rootkeep.AccountID `json:"account"`
	Requester  string             `json:"requester"`
	Editors    []string           `json:"editors"`
	Content    approval.Hash      `json:"request_sha256"`
	Policy     string             `json:"policy"`
	Asked      *access.Request    `json:"asked,omitempty"`
	Begins     time.Time          `json:"begins"` // of the window that holds
	Ends       time.Time          `json:"ends"`
	Granted    time.Time          `json:"granted,omitzero"`
	Opened     time.Time          `json:"opened,omitzero"`
	Due        time.Time          `json:"due,omitzero"`
	Over       time.Time          `json:"over,omitzero"`
	Overrun    bool               `json:"overrun"`
	Sealed     time.Time          `json:"sealed,omitzero"`
	Ended      time.Time          `json:"ended,omitzero"`
	Device     string             `json:"mfa_device,omitempty"`
	Signatures []Signature        `json:"signatures"`
	// Lacking says why the signatures do not suffice for what was granted, "" if they do.
	Lacking  string          `json:"lacking,omitempty"`
	Override *Override       `json:"override,omitempty"`
	Answers  []Answer        `json:"answers"`
	Audits   []Audit         `json:"audits,omitempty"` // of requests that take root users their credentials
	Outcome  *reconcile.Fate `json:"outcome,omitempty"`
	Activity json.RawMessage `json:"activity,omitempty"` // the record of the session, as it was confirmed
	History  []Line          `json:"history"`

	request    *approval.Request
	policy     *approval.Policy
	subject    []byte
	statements []*approval.Statement
}

// Signature is a decision that a security key signed, and that holds.
type Signature struct {
	Entry    int64             `json:"entry"`
	Approver string            `json:"approver"`
	Decision approval.Decision `json:"decision"`
	Key      string            `json:"key_sha256"` // of its public key
	Content  approval.Hash     `json:"request_sha256"`
	Site     string            `json:"site"`
}

// Answer is what was said of an item of the checklist. A later one takes the place of one
// before, which stays.
type Answer struct {
	Entry   int64     `json:"entry"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Item    string    `json:"item"`
	Skipped string    `json:"skipped"`
}

// Audit is what somebody had read of a root user, in a root session of the audit task. A
// later one of an account takes the place of one before, which stays.
type Audit struct {
	Entry   int64              `json:"entry"`
	At      time.Time          `json:"at"`
	By      string             `json:"by"`
	Account rootkeep.AccountID `json:"account"`
	Absent  bool               `json:"absent"`            // it has no credentials
	Unknown string             `json:"unknown,omitempty"` // why it could not be read
}

// Line is one entry about something.
type Line struct {
	Entry int64     `json:"entry"`
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	Act   string    `json:"act"`
}

// Override is how a request went on without approvals.
type Override struct {
	By               string      `json:"by"`
	Reason           string      `json:"reason"`
	Second           string      `json:"second,omitempty"` // RO-...
	SecondSignatures []Signature `json:"second_signatures"`
	Skipped          []string    `json:"skipped"`
	Due              time.Time   `json:"review_due,omitzero"`
	Late             bool        `json:"review_late"`
	Reviewer         string      `json:"reviewer,omitempty"`
	Reviewed         time.Time   `json:"reviewed,omitzero"`
	Verdict          string      `json:"verdict,omitempty"`
	Review           string      `json:"review,omitempty"`
}

// Reviewed says of a granted request that it was approved, or that whoever took no part
// has judged its override to be justified.
func (x *Request) Reviewed() bool { return x.Override == nil || x.Override.Verdict == "justified" }

// WasGranted says whether somebody could have used root under the request.
func (x *Request) WasGranted() bool { return !x.Granted.IsZero() }

// addRequest takes an entry about a request, of those for root or to a second person.
func (r *Reader) addRequest(e Entry, all map[string]*Request, verb string) {
	x := all[e.Subject]
	if x == nil {
		if !r.room(e, len(r.requests)+len(r.seconds), mostRequests, "requests") {
			return
		}
		x = &Request{ID: e.Subject, Editors: []string{}, Signatures: []Signature{}, Answers: []Answer{}}
		all[e.Subject] = x
	}
	if r.lines++; !r.room(e, r.lines, mostLines, "lines of histories") {
		return
	}
	x.History = append(x.History, Line{e.N, e.Time, e.Actor, verb})
	if verb != "requested" && x.request == nil {
		if len(x.History) == 1 {
			r.gap(e, "it is about a request that was made before the first entry, so the request is not told of")
		}
		return
	}
	switch verb {
	case "requested", "edited":
		r.asked(e, x)
	case "approved", "denied", "overridden":
		r.signed(e, x, verb)
	default:
		r.went(e, x, verb)
	}
}

// asked takes what a request asks for, to the byte.
func (r *Reader) asked(e Entry, x *Request) {
	for _, name := range []string{"request", "subject", "policy"} {
		if r.payload(e, name) == nil {
			return
		}
	}
	request, policy, err := requested(e)
	if err != nil || request.ID != x.ID {
		r.unread(e, "request")
		return
	}
	if request.Kind == access.RequestKind {
		if x.Asked, err = access.ParseRequest(e.Payloads["subject"]); err != nil {
			x.Asked = nil
			r.unread(e, "subject")
			return
		}
		x.Begins, x.Ends = x.Asked.From, x.Asked.Until
	}
	x.State = "requested"
	x.request, x.policy, x.subject = request, policy, e.Payloads["subject"]
	x.Account, x.Requester, x.Editors, x.Content, x.Policy = request.Account, request.Requester, request.Editors, request.Hash(), policy.ID
}

// signed takes a decision, if its signature holds.
func (r *Reader) signed(e Entry, x *Request, verb string) {
	name := "approval"
	if verb == "overridden" {
		name = "override"
		x.grant(e.Time)
		x.overridden(r, e)
	}
	text := r.payload(e, name)
	if text == nil {
		return
	}
	s, statement := signature(e, text)
	if statement == nil {
		r.gap(e, "the signature that it tells of does not hold")
		return
	}
	x.Signatures, x.statements = append(x.Signatures, s), append(x.statements, statement)
	if verb == "denied" {
		x.State, x.Ended = "denied", e.Time
	}
}

// grant lets root be used from a time on.
func (x *Request) grant(at time.Time) { x.State, x.Granted = "approved", at }

func (x *Request) overridden(r *Reader, e Entry) {
	var told struct {
		Reason  string   `json:"reason"`
		Second  string   `json:"second"`
		Skipped []string `json:"skipped"`
	}
	if text := r.payload(e, "told"); text != nil && json.Unmarshal(text, &told) != nil {
		r.unread(e, "told")
	}
	x.Override = &Override{By: e.Actor, Reason: told.Reason, Second: told.Second, SecondSignatures: []Signature{}, Skipped: append([]string{}, told.Skipped...), Due: e.Time.Add(access.ReviewWithin)}
	if e.Time.After(x.Begins) {
		x.Begins = e.Time
	}
	if end := x.Begins.Add(access.OverrideWindow); end.Before(x.Ends) {
		x.Ends = end
	}
}

// said reads the payload of an entry that has one member for each thing it tells.
func (r *Reader) said(e Entry, name string, into any) bool {
	text := r.payload(e, name)
	if text == nil {
		return false
	}
	if json.Unmarshal(text, into) != nil {
		r.unread(e, name)
		return false
	}
	return true
}

// went takes what happened to a request once it was decided.
func (r *Reader) went(e Entry, x *Request, verb string) {
	switch verb {
	case "granted":
		x.grant(e.Time)
	case "withdrawn", "expired", "lapsed":
		x.State, x.Ended = verb, e.Time
	case "opened":
		var told struct {
			Device string    `json:"device"`
			Due    time.Time `json:"due"`
		}
		r.said(e, verb, &told)
		x.State, x.Opened, x.Device, x.Due = "open", e.Time, told.Device, told.Due
	case "answered":
		var a access.Answer
		if r.said(e, verb, &a) {
			x.Answers = append(x.Answers, Answer{e.N, e.Time, e.Actor, a.Item, a.Skipped})
		}
	case "audited":
		x.audited(r, e)
	case "sealed":
		var told struct {
			Over time.Time `json:"over"`
		}
		r.said(e, verb, &told)
		x.State, x.Sealed, x.Over = "closing", e.Time, told.Over
	case "overrun":
		x.State, x.Overrun, x.Over = "closing", true, x.Due
	case "confirmed":
		x.confirmed(r, e)
	case "outcome":
		var f reconcile.Fate
		if r.said(e, verb, &f) {
			x.Outcome = &f
		}
	case "reviewed", "review-late":
		x.review(r, e, verb)
	}
}

func (x *Request) audited(r *Reader, e Entry) {
	var h struct {
		Account      rootkeep.AccountID `json:"account"`
		Password     bool               `json:"password"`
		Keys         int                `json:"keys"`
		Certificates int                `json:"certificates"`
		Devices      int                `json:"devices"`
		At           time.Time          `json:"at"`
		Unknown      string             `json:"unknown"`
	}
	if !r.said(e, "holding", &h) {
		return
	}
	if _, err := rootkeep.ParseAccountID(string(h.Account)); err != nil {
		r.unread(e, "holding")
		return
	}
	absent := h.Unknown == "" && !h.Password && h.Keys == 0 && h.Certificates == 0 && h.Devices == 0
	x.Audits = append(x.Audits, Audit{e.N, h.At, e.Actor, h.Account, absent, h.Unknown})
}

// Absent counts the accounts whose newest audit found no credentials, and those that were
// audited.
func (x *Request) Absent() (absent, audited int) {
	newest := map[rootkeep.AccountID]bool{}
	for _, a := range x.Audits {
		newest[a.Account] = a.Absent
	}
	for _, none := range newest {
		if none {
			absent++
		}
	}
	return absent, len(newest)
}

func (x *Request) confirmed(r *Reader, e Entry) {
	x.State, x.Ended = "closed", e.Time
	if text := r.payload(e, "activity"); text != nil {
		if !json.Valid(text) {
			r.unread(e, "activity")
			return
		}
		x.Activity = text
	}
}

func (x *Request) review(r *Reader, e Entry, verb string) {
	if x.Override == nil {
		r.gap(e, "it is about an override that no entry tells of")
		return
	}
	if verb == "review-late" {
		x.Override.Late = true
		return
	}
	var told struct {
		Review  string `json:"review"`
		Verdict string `json:"verdict"`
	}
	if r.said(e, verb, &told) {
		x.Override.Reviewer, x.Override.Reviewed, x.Override.Verdict, x.Override.Review = e.Actor, e.Time, told.Verdict, told.Review
	}
}

// finish brings the request to where time has brought it, and says whether it was signed
// by as many as had to.
func (x *Request) finish(r *Reader) {
	switch {
	case x.State == "requested" && !r.asOf.Before(x.request.Expires):
		x.State = "expired"
	case x.State == "approved" && !r.asOf.Before(x.Ends):
		x.State = "lapsed"
	case x.State == "open" && !x.Due.IsZero() && !r.asOf.Before(x.Due):
		x.State, x.Over = "closing", x.Due
	}
	if x.Override != nil && x.Override.Second != "" {
		if second := r.seconds[x.Override.Second]; second != nil {
			x.Override.SecondSignatures = second.Signatures
		}
	}
	if x.WasGranted() {
		x.Lacking = x.lacking(r)
	}
}

// bearsOn says whether a request belongs to the story of a period.
func (x *Request) bearsOn(from, to time.Time) bool {
	return x.Begins.Before(to) && x.Ends.After(from) || slices.ContainsFunc(x.History, func(l Line) bool { return !l.At.Before(from) && l.At.Before(to) })
}

// lacking says why what was signed does not suffice for what was granted, or "".
func (x *Request) lacking(r *Reader) string {
	want := approval.RootUse
	if x.Asked.Kind == access.Drill {
		want = approval.RootDrill
	}
	if x.request.Action != x.Asked.Action() || x.policy.ID != want {
		return "it is about something else than its subject says, or another policy than " + want + " decided it"
	}
	if x.Override != nil {
		return x.overrideLacks(r)
	}
	return x.tally([]string{x.Asked.Custodian})
}

// tally says whether enough persons, each with a key of their own, approved the request as
// it is.
func (x *Request) tally(barred []string) string {
	return tally(x.request, x.policy, x.Signatures, x.statements, barred)
}

// tally says why what was signed does not suffice for a request, or "".
func tally(request *approval.Request, policy *approval.Policy, signatures []Signature, statements []*approval.Statement, barred []string) string {
	owner := map[string]string{}
	for _, s := range signatures {
		if o, known := owner[s.Key]; known && o != s.Approver {
			return fmt.Sprintf("one security key signed for %s and for %s", o, s.Approver)
		}
		owner[s.Key] = s.Approver
	}
	if _, met := request.Tally(statements, policy, func(person string) bool { return !slices.Contains(barred, person) }); !met {
		return "too few security keys signed it"
	}
	return ""
}

func (x *Request) overrideLacks(r *Reader) string {
	signed := slices.ContainsFunc(x.statements, func(s *approval.Statement) bool {
		return s.Decision == approval.Override && s.Approver == x.Requester && s.Content == x.Content
	})
	switch {
	case !signed:
		return "the security key of who asked did not sign the override"
	case x.Override.Second == "":
		return ""
	}
	second := r.seconds[x.Override.Second]
	if second == nil || second.request == nil {
		return "the request to a second person, " + x.Override.Second + ", is not told of"
	}
	var about struct {
		Barred  []string      `json:"parties"`
		Request string        `json:"request"`
		Content approval.Hash `json:"request_sha256"`
	}
	if json.Unmarshal(second.subject, &about) != nil || about.Request != x.ID || about.Content != x.Content || second.policy.ID != approval.RootOverride {
		return x.Override.Second + " is about something else"
	}
	if why := second.tally(about.Barred); why != "" {
		return x.Override.Second + ": " + why
	}
	return ""
}
