// Package sift makes the records of a log small for a hunt that goes on elsewhere: those
// that rules match stay as they are, of the others only what a hunt counts by stays. A hunt
// through what is left finds what it would have found in the whole.
package sift

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/sigma"
)

// Record is what is left of a record.
type Record struct {
	Offset int64  `json:"offset"` // of the record in its object, see cloudtrail.Record
	Raw    []byte `json:"raw"`
}

// Piece is what is left of an object, or of a part of it. The last piece of an object says
// how it was read, or why it was not.
type Piece struct {
	Name    string            `json:"name"`
	Records []Record          `json:"records"`
	Stats   *cloudtrail.Stats `json:"stats,omitempty"`
	Fault   *Fault            `json:"fault,omitempty"`
}

// Fault is why an object was not read.
type Fault struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// counted are the fields that a hunt counts events by.
var counted = [...]string{"eventID", "eventTime", "awsRegion", "recipientAccountId", "userIdentity.accountId"}

const (
	eventID = iota
	eventTime
	region
	recipient
	account
)

// small is the form of a record that no rule matched.
type small struct {
	ID        string    `json:"eventID"`
	Time      string    `json:"eventTime,omitempty"`
	Region    string    `json:"awsRegion,omitempty"`
	Recipient string    `json:"recipientAccountId,omitempty"`
	Identity  *identity `json:"userIdentity,omitempty"`
}

type identity struct {
	Account string `json:"accountId"`
}

// Sifter reduces records, one after the other.
type Sifter struct {
	hunt    *detect.Hunt
	worker  *detect.Worker // computes what rules ask of a record beside its fields
	matcher *sigma.Matcher
	reader  *cloudtrail.Reader
	fields  [len(counted)]int
	source  int
	matched []int32
	values  [len(counted)]string
}

// New makes a sifter for a pack; the atlas is the hunt's.
func New(pack *detect.Pack, atlas *origin.Atlas) (*Sifter, error) {
	// Nothing lies in a period that has ended long ago: the worker looks at each record, and
	// remembers none of it.
	hunt, err := detect.NewHunt(pack, detect.Options{Until: time.Unix(1, 0), Atlas: atlas, DedupMemory: 1 << 20})
	if err != nil {
		return nil, err
	}
	s := &Sifter{hunt: hunt, matcher: pack.Set.NewMatcher(), source: slices.Index(hunt.Fields(), "eventSource")}
	for i, path := range counted {
		if s.fields[i] = slices.Index(hunt.Fields(), path); s.fields[i] < 0 || s.source < 0 {
			return nil, fmt.Errorf("sift: a hunt does not read %s", path)
		}
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		return nil, err
	}
	s.reader = cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()})
	s.Renew()
	return s, nil
}

// Renew forgets what the records before left behind; it is for the beginning of an object.
func (s *Sifter) Renew() { s.worker = s.hunt.NewWorker() }

// Fields are the paths a reader must scan records for.
func (s *Sifter) Fields() []string { return s.hunt.Fields() }

// Derived is the number of computed fields a view needs beside them.
func (s *Sifter) Derived() int { return s.hunt.Derived() }

// Sift gives what is to be kept of a record.
func (s *Sifter) Sift(rec *cloudtrail.Record, file string) Record {
	out := Record{Offset: rec.Offset}
	if raw := s.reduced(rec, file); raw != nil {
		out.Raw = raw
	} else {
		out.Raw = slices.Clone(rec.Raw)
	}
	return out
}

// reduced is the small form of a record, nil if a hunt could tell it from the whole one.
func (s *Sifter) reduced(rec *cloudtrail.Record, file string) []byte {
	if s.tells(rec, file) {
		return nil
	}
	for i, f := range s.fields {
		s.values[i] = string(rec.View.Text(f))
	}
	v := &s.values
	_, err := rootkeep.ParseAccountID(v[recipient])
	if err != nil || len(v[eventID]) != len("00000000-0000-0000-0000-000000000000") {
		return nil // the hunt keeps more than the ID of such an event
	}
	r := small{ID: v[eventID], Time: v[eventTime], Region: v[region], Recipient: v[recipient]}
	if v[account] != "" {
		r.Identity = &identity{v[account]}
	}
	raw, err := json.Marshal(r)
	if err != nil || len(raw) >= len(rec.Raw) {
		return nil
	}
	again, err := s.reader.One(raw)
	if err != nil || s.tells(again, file) {
		return nil // a rule that asks for what is not there
	}
	for i, f := range s.fields {
		if string(again.View.Text(f)) != v[i] {
			return nil
		}
	}
	return raw
}

// tells says whether a record tells a hunt more than that there was an event.
func (s *Sifter) tells(rec *cloudtrail.Record, file string) bool {
	if string(rec.View.Text(s.source)) == "cloudtrail.amazonaws.com" {
		return true // it may say which resources are watched
	}
	s.worker.Observe(rec, file)
	s.matched = s.matcher.Match(rec.View, s.matched[:0])
	return len(s.matched) > 0
}
