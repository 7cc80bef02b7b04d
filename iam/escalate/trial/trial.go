// Package trial runs the cases of techniques: each is an account and what the search has
// to say of its actor.
package trial

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// Result is one case as it went.
type Result struct {
	Technique string `json:"technique"`
	File      string `json:"file"`
	Case      string `json:"case"`
	Want      string `json:"want"`
	Got       string `json:"got"`
	Err       string `json:"error,omitempty"`
	OK        bool   `json:"ok"`
}

// Run runs the cases of techniques, each with its technique alone, or with those
// of known that the case names.
func Run(ts, known []*technique.Technique) []Result {
	var out []Result
	for _, t := range ts {
		for i := range t.Cases {
			c := &t.Cases[i]
			r := Result{Technique: t.ID, File: t.File, Case: c.Name, Want: c.Want}
			got, err := Case(t, c, known, nil)
			if r.Got = got; err != nil {
				r.Err = err.Error()
			}
			r.OK = err == nil && got == c.Want
			out = append(out, r)
		}
	}
	return out
}

// Case judges one case; denied actions are taken from the actor.
func Case(t *technique.Technique, c *technique.Case, known []*technique.Technique, denied []string) (string, error) {
	text, err := c.Account(denied)
	if err != nil {
		return "", err
	}
	a, err := account.Read(bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	for _, p := range a.Problems {
		if c.Want != escalate.Unknown.String() {
			return "", fmt.Errorf("the case's account does not read: %s", p)
		}
	}
	used := []*technique.Technique{t}
	for _, id := range c.With {
		i := slices.IndexFunc(known, func(t *technique.Technique) bool { return t.ID == id })
		if i < 0 {
			return "", fmt.Errorf("with %q: no such technique", id)
		}
		used = append(used, known[i])
	}
	o := escalate.Options{Techniques: used, Now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Outside: t.Actor == technique.ActorOutside}
	scp, err := c.Guardrail()
	if err != nil {
		return "", err
	}
	if scp != nil {
		p, err := iam.Parse("scp", scp)
		if err != nil {
			return "", err
		}
		o.Guardrails.SCPs = [][]*iam.Policy{{p}}
	}
	r, err := escalate.Search(a, o)
	if err != nil {
		return "", err
	}
	return verdict(r, t)
}

// verdict is what a report says of the actor of a case.
func verdict(r *escalate.Report, t *technique.Technique) (string, error) {
	if t.Actor == technique.ActorOutside {
		for _, p := range r.Outside {
			return p.Certainty.String(), nil
		}
		return technique.Quiet, nil
	}
	actor := func(arn string) bool { return strings.HasSuffix(arn, "/"+technique.ActorName) }
	for _, s := range r.Administrators {
		if actor(s.Principal) {
			return "", errors.New("the actor is administrator without the technique")
		}
	}
	for _, p := range r.Paths {
		if actor(p.From) {
			return p.Certainty.String(), nil
		}
	}
	for _, f := range r.Leads {
		if actor(f.Principal) {
			return string(technique.Lead), nil
		}
	}
	return technique.Quiet, nil
}
