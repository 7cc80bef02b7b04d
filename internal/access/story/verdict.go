package story

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Verdict is an event with what it came to.
type Verdict struct {
	Key     string           `json:"key"`   // RU-...
	Entry   int64            `json:"entry"` // that told it last
	At      time.Time        `json:"at"`    // of that entry
	Changes int              `json:"changes"`
	Event   reconcile.Judged `json:"event"`
	// Record is the SHA-256 of the record as it was kept, in hexadecimal: "" if none was, nil
	// if the entry tells no hash, as those of rootkeep before it kept one.
	Record *string `json:"record_sha256"`
}

// Recorded says whether the ledger tells which record the event has: then it has no other.
func (v *Verdict) Recorded() bool { return v.Record != nil && *v.Record != "" }

// Records says whether raw is the record that the ledger tells the hash of.
func (v *Verdict) Records(raw []byte) bool {
	return v.Recorded() && *v.Record == approval.Sum(raw).String()
}

// in says whether the event is of a period. One without a time of its own is of that in
// which it was judged.
func (v *Verdict) in(from, to time.Time) bool {
	at := v.Event.Time
	if at.IsZero() {
		at = v.At
	}
	return !at.Before(from) && at.Before(to)
}

// Compared says whether the verdict can be reached again from the entries: that of an
// account with too many events or requests was not reached by comparing.
func (v *Verdict) Compared() bool { return v.Event.Rule != "too-many" }

// addVerdicts takes the verdicts of one entry, one by one: a list from anybody may be long.
func (r *Reader) addVerdicts(e Entry) {
	text := r.payload(e, "verdicts")
	if text == nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		r.unread(e, "verdicts")
		return
	}
	for d.More() {
		if r.told++; !r.room(e, r.told-1, MostVerdicts, "verdicts") {
			return
		}
		var one struct {
			Key    string           `json:"key"`
			Event  reconcile.Judged `json:"event"`
			Record *string          `json:"record_sha256"`
		}
		if err := d.Decode(&one); err != nil || !plainKey(one.Key) || !plainHash(one.Record) {
			r.unread(e, "verdicts")
			return
		}
		one.Event.Raw = nil
		v := r.verdicts[one.Key]
		if v == nil {
			v = &Verdict{Key: one.Key}
			r.verdicts[one.Key] = v
		} else {
			v.Changes++
		}
		v.Entry, v.At, v.Event = e.N, e.Time, one.Event
		r.record(e, v, one.Record)
	}
	if _, err := d.Token(); err != nil {
		r.unread(e, "verdicts")
	}
}

// record takes the hash of a record. Once it is told it stays: a record does not change.
func (r *Reader) record(e Entry, v *Verdict, told *string) {
	switch {
	case told == nil || v.Recorded() && *told == "":
	case !v.Recorded():
		v.Record = told
	case *v.Record != *told:
		r.gap(e, "it tells another record of "+v.Key+" than an entry before it")
	}
}

func plainHash(h *string) bool {
	return h == nil || *h == "" || len(*h) == 2*sha256.Size && strings.Trim(*h, "0123456789abcdef") == ""
}

// plainKey says whether a key is one that rootkeep gives an event: a file is named after it.
func plainKey(key string) bool {
	rest, ok := strings.CutPrefix(key, "RU-")
	return ok && rest != "" && len(rest) <= 64 && strings.Trim(rest, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

// Session is a session of sts:AssumeRoot that rootkeep was given.
type Session struct {
	AccessKey string             `json:"access_key_id"`
	Account   rootkeep.AccountID `json:"account"`
	End       time.Time          `json:"end"`
	Name      string             `json:"name"` // RR-..., SC-... or CH-...
	Policy    string             `json:"policy"`
	Start     time.Time          `json:"start"`
}

func (r *Reader) addSession(e Entry) {
	var s Session
	if !r.room(e, len(r.sessions), mostSessions, "sessions") || !r.said(e, "session", &s) {
		return
	}
	r.sessions = append(r.sessions, s)
}

// Difference is a verdict that the entries of the story do not lead to.
type Difference struct {
	Key     string           `json:"key"`
	Told    rootkeep.Verdict `json:"told"`
	Rule    string           `json:"rule"`
	Request string           `json:"request,omitempty"`
	Again   rootkeep.Verdict `json:"again"`
	By      string           `json:"again_rule"`
	Of      string           `json:"again_request,omitempty"`
	Why     string           `json:"why"`
}

// Judge judges all events anew, by the requests and the sessions that the entries tell of,
// and gives the verdicts of the period that come out as others.
func (s *Story) Judge() []Difference {
	found := map[string]*reconcile.Judged{}
	again := reconcile.Judge(s.known.input())
	for i := range again.Events {
		found[identity(&again.Events[i].Event)] = &again.Events[i]
	}
	var out []Difference
	for _, v := range s.Verdicts {
		j := found[identity(&v.Event.Event)]
		if !v.Compared() || j != nil && j.Verdict == v.Event.Verdict && j.Request == v.Event.Request {
			continue
		}
		d := Difference{Key: v.Key, Told: v.Event.Verdict, Rule: v.Event.Rule, Request: v.Event.Request, Why: "it could not be judged"}
		if j != nil {
			d.Again, d.By, d.Of, d.Why = j.Verdict, j.Rule, j.Request, j.Why
		}
		out = append(out, d)
	}
	return out
}

// identity tells events apart as judging does: by all that is known of them but where an
// address lies.
func identity(e *reconcile.Event) string {
	same := *e
	same.Raw, same.Country = nil, ""
	if same.Kind != rootkeep.RootAssumed {
		same.Of = rootkeep.AccountID(cmp.Or(same.Of, same.Account))
	}
	text, err := json.Marshal(&same)
	if err != nil {
		return e.ID // a time that JSON cannot have; such a verdict cannot be read either
	}
	return string(text)
}

// input is what the entries tell of for a judgement.
func (r *Reader) input() reconcile.Input {
	in := reconcile.Input{Now: r.asOf}
	keys, refusals := map[string][]string{}, map[string][]reconcile.Refusal{}
	for _, s := range r.sessions {
		if strings.HasPrefix(s.Name, "SC-") {
			in.Scans = append(in.Scans, reconcile.Scan{Name: s.Name, Account: s.Account, AccessKey: s.AccessKey, Start: s.Start, End: s.End})
		}
		if s.AccessKey == "" {
			refusals[s.Name] = append(refusals[s.Name], reconcile.Refusal{Account: s.Account, Start: s.Start, End: s.End})
			continue
		}
		keys[s.Name] = append(keys[s.Name], s.AccessKey)
	}
	for _, id := range slices.Sorted(maps.Keys(r.requests)) {
		if x := r.requests[id]; x.Asked != nil && x.WasGranted() {
			in.Requests = append(in.Requests, x.judgedBy(keys[id], refusals[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.changes)) {
		in.Changes = append(in.Changes, r.changes[id].judgedBy()...)
	}
	for _, key := range slices.Sorted(maps.Keys(r.verdicts)) {
		in.Events = append(in.Events, r.verdicts[key].Event.Event)
	}
	return in
}

// judgedBy is the request as events are judged by it: what was granted, from then on.
func (x *Request) judgedBy(keys []string, refusals []reconcile.Refusal) reconcile.Request {
	a := x.Asked
	q := reconcile.Request{
		ID: x.ID, Kind: a.Kind, Path: a.Path, Accounts: a.Accounts, Events: a.Events, From: x.Begins, Until: x.Ends, Networks: a.Networks,
		Session: time.Duration(a.Session) * time.Second, Opened: x.Opened, Closed: x.Over, Overrides: x.Override != nil, Keys: keys, Refusals: refusals, Recorded: true, Device: x.Device,
	}
	if q.From.Before(x.Granted) {
		q.From = x.Granted
	}
	if x.Opened.IsZero() && !x.Ended.IsZero() && x.Ended.Before(q.Until) {
		q.Until = x.Ended // withdrawn: what was approved holds no more
	}
	return q
}
