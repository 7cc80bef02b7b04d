// Package oscal writes what a bundle tells of root users as OSCAL assessment results. The
// story of a period goes in; one document comes out, the same bytes for the same story.
//
// The form is that of NIST's Open Security Controls Assessment Language, model
// assessment-results, release 1.1.3: only the members that are needed.
package oscal

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Version is that of the OSCAL form, File the name in a bundle.
const (
	Version = "1.1.3"
	File    = "oscal-assessment-results.json"
)

// namespace is of the properties that rootkeep names itself.
const namespace = "https://github.com/rootkeep/rootkeep/ns/oscal"

type document struct {
	Results results `json:"assessment-results"`
}

type results struct {
	UUID     string   `json:"uuid"`
	Metadata metadata `json:"metadata"`
	ImportAP link     `json:"import-ap"`
	Results  []result `json:"results"`
	Back     back     `json:"back-matter"`
}

type metadata struct {
	Title    string `json:"title"`
	Modified string `json:"last-modified"`
	Version  string `json:"version"`
	OSCAL    string `json:"oscal-version"`
	Remarks  string `json:"remarks,omitempty"`
}

type link struct {
	Href    string `json:"href"`
	Remarks string `json:"remarks,omitempty"`
}

type result struct {
	UUID         string        `json:"uuid"`
	Title        string        `json:"title"`
	Description  string        `json:"description"`
	Start        string        `json:"start"`
	End          string        `json:"end"`
	Props        []prop        `json:"props,omitempty"`
	Reviewed     reviewed      `json:"reviewed-controls"`
	Observations []observation `json:"observations,omitempty"`
	Findings     []finding     `json:"findings,omitempty"`
}

type prop struct {
	Name  string `json:"name"`
	NS    string `json:"ns"`
	Value string `json:"value"`
}

type reviewed struct {
	Selections []selection `json:"control-selections"`
}

type selection struct {
	Description string    `json:"description"`
	Include     []control `json:"include-controls"`
}

type control struct {
	ID string `json:"control-id"`
}

type observation struct {
	UUID        string     `json:"uuid"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Props       []prop     `json:"props,omitempty"`
	Methods     []string   `json:"methods"`
	Types       []string   `json:"types"`
	Evidence    []evidence `json:"relevant-evidence"`
	Collected   string     `json:"collected"`
	Remarks     string     `json:"remarks,omitempty"`
}

type evidence struct {
	Href        string `json:"href"`
	Description string `json:"description"`
}

type finding struct {
	UUID        string    `json:"uuid"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Target      target    `json:"target"`
	Related     []related `json:"related-observations,omitempty"`
	Remarks     string    `json:"remarks,omitempty"`
}

type target struct {
	Type   string `json:"type"`
	ID     string `json:"target-id"`
	Status status `json:"status"`
}

type status struct {
	State   string `json:"state"`
	Remarks string `json:"remarks,omitempty"`
}

type related struct {
	UUID string `json:"observation-uuid"`
}

type back struct {
	Resources []resource `json:"resources"`
}

type resource struct {
	UUID        string `json:"uuid"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// Write gives the document about a story of the ledger origin.
func Write(origin string, s *story.Story) ([]byte, error) {
	note := resource{
		Title:       "No assessment plan",
		Description: "There was no assessment plan. What was assessed is every event of root users, and every request to use one, that the ledger tells of in the period.",
	}
	note.UUID = identify("resource", note)
	at := stamp(s.AsOf)
	d := document{results{
		Metadata: metadata{
			Title: line("Use of AWS root users, " + s.From.Format(time.DateOnly) + " to " + s.To.Format(time.DateOnly)), Modified: at, Version: at, OSCAL: Version,
			Remarks: line("Told from entries " + number(s.First) + " to " + number(s.Last) + " of the ledger " + origin + ". Whoever has the bundle can tell it again: rootkeep verify."),
		},
		ImportAP: link{"#" + note.UUID, "OSCAL asks for a plan. This note says that there was none."},
		Results:  []result{assess(s, at)},
		Back:     back{[]resource{note}},
	}}
	d.Results.UUID = identify("assessment-results", d)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	err := e.Encode(d)
	return b.Bytes(), err
}

// identify derives a UUID of version 5 (RFC 9562, section 5.5) from what it is of, whose
// own is still empty: OSCAL takes versions 4 and 5 alone.
func identify(kind string, of any) string {
	content, err := json.Marshal(of)
	if err != nil {
		content = nil // these structs have nothing that JSON cannot have
	}
	sum := sha1.Sum(append([]byte(namespace+" "+kind+" "), content...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	h := hex.EncodeToString(u)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// longest is how much of one text a value has, in characters.
const longest = 500

// line is a text as a value of OSCAL: one line, without spaces at its ends, never empty.
// What AWS and people wrote is made visible.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(text.Visible(s, longest), unicode.IsSpace), " ")
	if s == "" {
		return "none"
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
