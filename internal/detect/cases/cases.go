// Package cases runs the tests that detections carry: events go in as their files say,
// and the verdict that each must get is compared with the one it got.
package cases

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
)

// Case is one test inside a detection file: events and the verdict they must
// get. A single event may stand in the case itself.
type Case struct {
	Name       string `yaml:"name"`
	rule.Patch `yaml:",inline"`
	Events     []Step                  `yaml:"events"`
	Want       string                  `yaml:"want"`  // quiet, or the level this detection reaches
	State      string                  `yaml:"state"` // open or escalated; empty: either
	Inventory  inventory.List          `yaml:"inventory"`
	Places     map[string]origin.Place `yaml:"places"` // address or range -> country, asn, network
	Relays     []string                `yaml:"relays"` // relay list, one entry each
	Until      rule.Duration           `yaml:"until"`  // end of observation after the base time, for silence
}

// Step is one event of a case, or several alike.
type Step struct {
	rule.Patch `yaml:",inline"`
	At         rule.Duration    `yaml:"at"`    // after the base time
	Times      int              `yaml:"times"` // 0 is once
	Every      rule.Duration    `yaml:"every"` // between the repetitions
	Each       map[string][]any `yaml:"each"`  // one dotted path: the values of the repetitions, instead of times
}

// baseTime is when the events of a case happen: a Monday morning.
var baseTime = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// Result is one case as it went.
type Result struct {
	Detection string `json:"detection"` // name
	File      string `json:"file"`
	Case      string `json:"case"`
	Want      string `json:"want"`
	Got       string `json:"got"`
	Err       string `json:"error,omitempty"`
	OK        bool   `json:"ok"`
}

// Run runs the cases of every detection of the pack.
func Run(ctx context.Context, p *detect.Pack, bases rule.Bases) []Result {
	var out []Result
	for _, t := range p.Tests() {
		h, name := t.Header, detect.RuleName(t.Header)
		cases, err := read(h, t.Cases)
		if err != nil {
			out = append(out, Result{Detection: name, File: h.File, Err: err.Error()})
			continue
		}
		out = append(out, bothKinds(t, cases)...)
		for _, c := range cases {
			res := Result{Detection: name, File: h.File, Case: c.Name, Want: c.want()}
			if res.Got, err = c.run(ctx, p, name, bases); err != nil {
				res.Err = err.Error()
			}
			res.OK = err == nil && res.Got == res.Want
			out = append(out, res)
		}
	}
	return out
}

// Check decodes the cases of every detection without running them.
func Check(p *detect.Pack) []detect.Problem {
	var out []detect.Problem
	for _, t := range p.Tests() {
		_, err := read(t.Header, t.Cases)
		var decode *rule.Error
		if errors.As(err, &decode) {
			out = append(out, detect.Problem{File: t.Header.File, Line: decode.Line, Rule: t.Header.Title, Msg: "cases: " + decode.Msg})
		}
	}
	return out
}

func read(h *sigma.Header, node ast.Node) ([]Case, error) {
	var cases []Case
	if node == nil {
		return nil, nil
	}
	err := rule.Decode(h.File, node, &cases)
	return cases, detect.InFile(h, err)
}

// bothKinds fails a detection of ours that does not show when it fires and when
// it stays quiet. Rules from elsewhere carry no cases, and one that only feeds others
// is tested by theirs.
func bothKinds(t detect.Tested, cases []Case) []Result {
	h := t.Header
	if !t.Alerts && len(cases) == 0 {
		return nil
	}
	quiet := 0
	for _, c := range cases {
		if c.Want == "quiet" {
			quiet++
		}
	}
	if _, ours := h.Custom["rootkeep"]; !ours || quiet > 0 && quiet < len(cases) {
		return nil
	}
	return []Result{{Detection: detect.RuleName(h), File: h.File, Case: "cases", Err: "want at least one firing and one quiet case"}}
}

// want is the expectation in the form that runCase answers in.
func (c *Case) want() string {
	if c.State == "" || c.Want == "quiet" {
		return c.Want
	}
	return c.Want + " " + c.State
}

func (c *Case) run(ctx context.Context, p *detect.Pack, detection string, bases rule.Bases) (string, error) {
	if c.Want != "quiet" {
		if _, err := rootkeep.ParseSeverity(c.Want); err != nil {
			return "", fmt.Errorf("want %q: quiet or a level", c.Want)
		}
	}
	input, err := c.input(bases)
	if err != nil {
		return "", err
	}
	o, err := c.options()
	if err != nil {
		return "", err
	}
	hunt, err := detect.NewHunt(p, o)
	if err != nil {
		return "", err
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		return "", err
	}
	w := hunt.NewWorker()
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()})
	in := cloudtrail.Input{Name: "case", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(input)), nil }}
	stats := reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
		w.Observe(rec, "case")
		return nil
	})
	if len(stats.Problems) > 0 {
		return "", fmt.Errorf("the case's events do not read: %v", stats.Problems[0])
	}
	res, err := hunt.Finish([]*detect.Worker{w})
	if err != nil {
		return "", err
	}
	return verdictOf(res, detection, c.State != ""), nil
}

// verdictOf is the highest level that a detection reached, with the state of its
// alert when it was asked for.
func verdictOf(res *detect.Result, detection string, withState bool) string {
	var top *rootkeep.Alert
	level := rootkeep.Informational
	for i, a := range res.Alerts {
		for _, hit := range a.Rules {
			if hit.Name == detection && (top == nil || hit.Level > level || a.State == "escalated") {
				top, level = &res.Alerts[i], hit.Level
			}
		}
	}
	switch {
	case top == nil:
		return "quiet"
	case withState:
		return level.String() + " " + top.State
	}
	return level.String()
}

func (c *Case) options() (detect.Options, error) {
	o := detect.Options{Inventory: c.Inventory, Atlas: &origin.Atlas{}, DedupMemory: 1 << 20}
	for text, place := range c.Places {
		if !strings.Contains(text, "/") {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return o, err
			}
			text = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return o, err
		}
		o.Atlas.AddPlace(prefix, place)
	}
	if err := o.Atlas.Relays.Read("relays", strings.NewReader(strings.Join(c.Relays, "\n"))); err != nil {
		return o, err
	}
	if c.Until != 0 {
		o.Until = baseTime.Add(time.Duration(c.Until))
		o.Observed = o.Until
	}
	return o, nil
}

// input is the case's events as a log file.
func (c *Case) input(bases rule.Bases) ([]byte, error) {
	steps := c.Events
	if c.Base != "" {
		if len(steps) > 0 {
			return nil, fmt.Errorf("a case has either base or events")
		}
		steps = []Step{{Patch: c.Patch}}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("a case needs base or events")
	}
	var records []map[string]any
	for _, s := range steps {
		events, err := s.events(bases)
		if err != nil {
			return nil, err
		}
		for i, e := range events {
			if _, own := s.Set["eventTime"]; !own {
				e["eventTime"] = baseTime.Add(time.Duration(s.At) + time.Duration(i)*time.Duration(s.Every)).Format(time.RFC3339)
			}
			if _, own := s.Set["eventID"]; !own {
				e["eventID"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(records)+1)
			}
			records = append(records, e)
		}
	}
	return json.Marshal(map[string]any{"Records": records})
}

// events are those of a step, without their times and IDs.
func (s *Step) events(bases rule.Bases) (out []map[string]any, err error) {
	patches := slices.Repeat([]rule.Patch{s.Patch}, max(1, s.Times))
	if len(s.Each) > 1 || len(s.Each) == 1 && s.Times != 0 {
		return nil, errors.New("each: want one path, and no times")
	}
	for path, values := range s.Each {
		patches = nil
		for _, v := range values {
			p := s.Patch
			p.Set = maps.Clone(s.Set)
			if p.Set == nil {
				p.Set = map[string]any{}
			}
			p.Set[path] = v
			patches = append(patches, p)
		}
	}
	for _, p := range patches {
		e, err := p.Apply(bases)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
