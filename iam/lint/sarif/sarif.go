// Package sarif writes findings about policies for code scanning (OASIS "Static
// Analysis Results Interchange Format (SARIF) Version 2.1.0"). Results go in, one
// log with one run comes out.
package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/rootkeep/rootkeep/iam/lint"
)

// Place is where in a file something stands. Line and Column count from 1; Line 0
// is the file as a whole. Path is the place within the policy.
type Place struct {
	Line, Column int
	Path         string
}

// Result is one finding. Policy is the place of the policy in the file, empty when
// the file is the policy. The first of Places is the main one.
type Result struct {
	File, Policy string
	Finding      lint.Finding
	Places       []Place
}

// Notice is a file that could not be read.
type Notice struct {
	File    string
	Place   Place
	Message string
}

// Run is what one call of the linter gives.
type Run struct {
	Version string // of the tool
	Results []Result
	Notices []Notice
}

// Write writes the log. Every code of the linter is listed as a rule, so that rules
// keep their index.
func Write(w io.Writer, r Run) error {
	b, err := json.MarshalIndent(newLog(r), "", "  ")
	if err != nil {
		return fmt.Errorf("write findings as SARIF: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool struct {
		Driver driver `json:"driver"`
	} `json:"tool"`
	ColumnKind  string       `json:"columnKind"`
	Invocations []invocation `json:"invocations"`
	Results     []result     `json:"results"`
}

type driver struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Rules   []rule `json:"rules"`
}

type text struct {
	Text string `json:"text"`
}

type rule struct {
	ID      string `json:"id"`
	Short   text   `json:"shortDescription"`
	Help    text   `json:"help"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties map[string]any `json:"properties"`
}

type invocation struct {
	Successful    bool           `json:"executionSuccessful"`
	Notifications []notification `json:"toolExecutionNotifications"`
}

type notification struct {
	Level     string     `json:"level"`
	Message   text       `json:"message"`
	Locations []location `json:"locations"`
}

type result struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      text              `json:"message"`
	Locations    []location        `json:"locations"`
	Related      []location        `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]string `json:"properties"`
}

type location struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *region `json:"region,omitempty"`
	} `json:"physicalLocation"`
	Logical []logical `json:"logicalLocations,omitempty"`
}

type region struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
}

func newLog(r Run) log {
	var out run
	out.ColumnKind = "unicodeCodePoints"
	out.Tool.Driver = driver{Name: "rootkeep iam lint", Version: r.Version}
	out.Results = []result{}
	index := map[string]int{}
	for _, c := range lint.Codes() {
		if !c.Reported {
			continue
		}
		index[c.Name] = len(out.Tool.Driver.Rules)
		out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, newRule(c))
	}
	for _, x := range r.Results {
		out.Results = append(out.Results, newResult(x, index))
	}
	call := invocation{Successful: true, Notifications: []notification{}}
	for _, n := range r.Notices {
		call.Notifications = append(call.Notifications, notification{"error", text{n.Message}, []location{newLocation(n.File, "", n.Place)}})
	}
	out.Invocations = []invocation{call}
	return log{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []run{out}}
}

func newRule(c lint.Code) rule {
	r := rule{ID: c.Name, Short: text{c.Explanation}, Help: text{c.Fix}, Properties: map[string]any{"tags": []string{"aws-iam", c.Severity.String()}}}
	r.Default.Level = level(c.Severity)
	if c.Severity >= lint.SecurityWarning {
		r.Properties["security-severity"] = map[lint.Severity]string{lint.SecurityWarning: "7.0", lint.Error: "4.0"}[c.Severity]
	}
	return r
}

// level maps severities to the three that SARIF has. A security warning is an error:
// the policy gives more than it should.
func level(s lint.Severity) string {
	switch s {
	case lint.Error, lint.SecurityWarning:
		return "error"
	case lint.Warning:
		return "warning"
	}
	return "note"
}

func newResult(x Result, index map[string]int) result {
	f := x.Finding
	r := result{
		RuleID: f.Code, RuleIndex: index[f.Code], Level: level(f.Severity), Message: text{f.Message + ". " + f.Fix},
		Locations:  []location{},
		Properties: map[string]string{"severity": f.Severity.String()},
	}
	path := ""
	for i, p := range x.Places {
		if i == 0 {
			path = p.Path
			r.Locations = append(r.Locations, newLocation(x.File, x.Policy, p))
			continue
		}
		r.Related = append(r.Related, newLocation(x.File, x.Policy, p))
	}
	// The place by name: a line number would change with every edit above it.
	sum := sha256.Sum256([]byte(strings.Join([]string{x.File, x.Policy, path, f.Code}, "\x00")))
	r.Fingerprints = map[string]string{"policyPath/v1": hex.EncodeToString(sum[:16])}
	return r
}

func newLocation(file, policy string, p Place) location {
	var l location
	l.Physical.Artifact.URI = fileURI(file)
	if p.Line > 0 {
		l.Physical.Region = &region{p.Line, p.Column}
	}
	if name := strings.Trim(policy+"."+p.Path, "."); name != "" {
		l.Logical = []logical{{name}}
	}
	return l
}

// fileURI is a file as a URI reference (RFC 3986).
func fileURI(file string) string {
	if strings.HasPrefix(file, "/") {
		return (&url.URL{Scheme: "file", Path: file}).String()
	}
	return (&url.URL{Path: file}).String()
}
