package story

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Schema names the files of a story.
const Schema = "rootkeep/root-story/2"

// The files of a story. Each has one object with the schema and, but for Period, a list.
const (
	PeriodFile   = "root/period.json"
	RequestsFile = "root/requests.json"
	VerdictsFile = "root/verdicts.json"
	SessionsFile = "root/sessions.json"
	CoverageFile = "root/coverage.json"
	ChangesFile  = "root/changes.json"
	CasesFile    = "root/cases.json"
	// RawFolder has the records of events as they were delivered, by their keys.
	RawFolder = "root/events"
)

// RawFile is the file of the record of an event.
func RawFile(key string) string { return RawFolder + "/" + key + ".json" }

// Period is PeriodFile: what the story is of, what it comes to, what may be claimed.
type Period struct {
	Schema   string    `json:"schema"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	AsOf     time.Time `json:"as_of"` // of the newest entry that it is told from
	First    int64     `json:"first_entry"`
	Last     int64     `json:"last_entry"`
	Requests int       `json:"requests"`
	Verdicts Counts    `json:"verdicts"`
	Cases    int       `json:"cases"`
	Claims   []Claim   `json:"claims"`
	Gaps     []Gap     `json:"gaps"`
}

// Counts are events by what they came to.
type Counts map[rootkeep.Verdict]int

// ReadPeriod reads PeriodFile, of which a verifier needs the time alone.
func ReadPeriod(text []byte) (from, to time.Time, err error) {
	var p struct {
		Schema string    `json:"schema"`
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Schema != Schema || !p.From.Before(p.To) || p.To.Sub(p.From) > MostPeriod {
		return from, to, errPeriod
	}
	return p.From, p.To, nil
}

// Tally counts the events of the period.
func (s *Story) Tally() Counts {
	n := Counts{}
	for _, v := range s.Verdicts {
		n[v.Event.Verdict]++
	}
	return n
}

// File is a file of a bundle.
type File struct {
	Name string
	Text []byte
}

// Files are the story as JSON. Equal entries give equal bytes.
func (s *Story) Files() ([]File, error) {
	type list struct {
		Schema string `json:"schema"`
		List   any    `json:"list"`
	}
	var out []File
	for _, f := range []struct {
		name  string
		value any
	}{
		{PeriodFile, Period{Schema, s.From, s.To, s.AsOf, s.First, s.Last, len(s.Requests), s.Tally(), len(s.Cases), orEmpty(s.Claims), orEmpty(s.Gaps)}},
		{RequestsFile, list{Schema, orEmpty(s.Requests)}},
		{VerdictsFile, list{Schema, orEmpty(s.Verdicts)}},
		{SessionsFile, list{Schema, orEmpty(s.Sessions)}},
		{CoverageFile, list{Schema, orEmpty(s.Coverage)}},
		{ChangesFile, list{Schema, orEmpty(s.Changes)}},
		{CasesFile, list{Schema, orEmpty(s.Cases)}},
	} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		if err := e.Encode(f.value); err != nil {
			return nil, err
		}
		out = append(out, File{f.name, b.Bytes()})
	}
	return out, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
