// Package register is what people decide and vouch for, because AWS cannot tell it: a
// YAML file goes in; facts of a snapshot, excepted findings, and notices of what has
// expired, will soon, or is of no use come out.
//
// What has expired is unknown again, never taken for still true, and an exception never
// hides a control about the root user: reports show it with its owner.
package register

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const (
	longest = 366 * 24 * time.Hour // that an exception or an attestation may run
	soon    = 30 * 24 * time.Hour  // before the end, when reports begin to say so
)

// Register is a file that was read.
type Register struct {
	file         string
	at           time.Time // of the file
	decisions    []fact
	attestations []attestation
	exceptions   []exception
}

// fact is a value of a field of facts.Decided or facts.Attested.
type fact struct {
	name  string
	field int
	value reflect.Value
}

// attestation is one entry, with its keys.
type attestation struct {
	Account  oneOrMore `json:"account"` // numbers, or *
	Fact     string    `json:"fact"`    // a field of facts.Attested
	Value    ast.Node  `json:"value"`
	By       string    `json:"by"`
	On       time.Time `json:"on"`
	Expires  time.Time `json:"expires"`  // the first moment at which it no longer holds
	Evidence string    `json:"evidence"` // a text or a link

	line int
	fact fact
}

// exception is one entry, with its keys. A pattern that is missing covers everything.
type exception struct {
	Control  oneOrMore `json:"control"`
	Account  oneOrMore `json:"account"`
	Region   oneOrMore `json:"region"`
	Resource oneOrMore `json:"resource"`
	Owner    string    `json:"owner"`
	Reason   string    `json:"reason"`
	Expires  time.Time `json:"expires"` // the first moment at which it no longer holds

	line                               int
	id                                 string // of a granted one, which has no line
	control, account, region, resource []pattern.Pattern
}

// Read reads a register of at most rule.MaxFile bytes. name is the file's for errors and
// origins, at its time. An entry may run for 366 days: an exception from now, an
// attestation from the day it was made. The problems name file, line and column; a
// register that has any is not to be used.
func Read(name string, r io.Reader, at, now time.Time) (*Register, []error) {
	text, err := io.ReadAll(io.LimitReader(r, rule.MaxFile+1))
	if err == nil && len(text) > rule.MaxFile {
		err = fmt.Errorf("more than %d bytes", rule.MaxFile)
	}
	if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	doc, err := parser.ParseBytes(text, 0)
	var located yaml.Error
	switch {
	case errors.As(err, &located) && located.GetToken() != nil:
		at := located.GetToken().Position
		return nil, []error{&rule.Error{File: name, Line: at.Line, Column: at.Column, Msg: located.GetMessage()}}
	case err != nil:
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	if len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		return nil, []error{fmt.Errorf("%s: want one YAML document; hint: rootkeep register new", name)}
	}
	f := reading{decoder: decoder{file: name}, now: now, out: &Register{file: name, at: at}}
	f.document(doc.Docs[0].Body)
	return f.out, f.problems
}

// reading is a register being read.
type reading struct {
	decoder
	now time.Time
	out *Register
}

func (f *reading) document(body ast.Node) {
	for _, m := range f.members(body) {
		_, empty := m.value.(*ast.NullNode)
		switch {
		case m.key != "decisions" && m.key != "attestations" && m.key != "exceptions":
			f.refuse(m.at, "unknown section %q: want decisions, attestations, exceptions", m.key)
		case empty: // its entries are commented out
		case m.key == "decisions":
			for _, d := range f.members(m.value) {
				if v, ok := f.fact(reflect.TypeFor[facts.Decided](), d.key, d.at, d.value); ok {
					f.out.decisions = append(f.out.decisions, v)
				}
			}
		default:
			list, ok := m.value.(*ast.SequenceNode)
			if !ok {
				f.refuse(m.value, "want a list of %s", m.key)
				continue
			}
			for _, n := range list.Values {
				if m.key == "attestations" {
					f.attestation(n)
				} else {
					f.exception(n)
				}
			}
		}
	}
}

// fact reads the value of a field of facts.Decided or facts.Attested.
func (f *reading) fact(of reflect.Type, name string, at, value ast.Node) (fact, bool) {
	fields := fieldsOf(of)
	i, ok := fields[name]
	if !ok {
		f.refuse(at, "no fact %q: want one of %s", name, names(fields))
		return fact{}, false
	}
	before := len(f.problems)
	v := reflect.New(of.Field(i).Type).Elem()
	f.fill(v, value)
	if t, ok := v.Interface().(time.Time); ok && t.After(f.now) {
		f.refuse(value, "%s is still to come", t.Format(time.DateOnly))
	}
	return fact{name, i, v}, len(f.problems) == before
}

func (f *reading) attestation(n ast.Node) {
	before := len(f.problems)
	a := attestation{line: lineOf(n)}
	f.object(reflect.ValueOf(&a).Elem(), n)
	if len(f.problems) > before {
		return
	}
	switch {
	case a.Fact == "" || a.Value == nil || a.By == "" || a.On.IsZero() || a.Expires.IsZero() || len(a.Account) == 0:
		f.refuse(n, "an attestation wants account, fact, value, by, on and expires")
	case a.On.After(f.now):
		f.refuse(n, "attested on %s, which is still to come", a.On.Format(time.DateOnly))
	case !a.Expires.After(a.On) || a.Expires.Sub(a.On) > longest:
		f.refuse(n, "expires %s: want a day after %s, the day of the attestation, and at most 366 days later", a.Expires.Format(time.DateOnly), a.On.Format(time.DateOnly))
	}
	for _, id := range a.Account {
		if _, err := rootkeep.ParseAccountID(id); err != nil && id != "*" {
			f.refuse(n, "account %q: want twelve digits, or *", id)
		}
	}
	if a.Fact == "" || a.Value == nil {
		return
	}
	v, ok := f.fact(reflect.TypeFor[facts.Attested](), a.Fact, n, a.Value)
	if a.fact = v; ok && len(f.problems) == before {
		f.out.attestations = append(f.out.attestations, a)
	}
}

func (f *reading) exception(n ast.Node) {
	before := len(f.problems)
	e := exception{line: lineOf(n)}
	f.object(reflect.ValueOf(&e).Elem(), n)
	if len(f.problems) > before {
		return
	}
	switch {
	case len(e.Control) == 0 || strings.TrimSpace(e.Owner) == "" || strings.TrimSpace(e.Reason) == "" || e.Expires.IsZero():
		f.refuse(n, "an exception wants control, owner, reason and expires")
		return
	case e.Expires.Sub(f.now) > longest:
		f.refuse(n, "expires %s: want a day at most 366 days ahead, by %s", e.Expires.Format(time.DateOnly), f.now.Add(longest).Format(time.DateOnly))
		return
	}
	for _, p := range []struct {
		texts oneOrMore
		into  *[]pattern.Pattern
	}{{e.Control, &e.control}, {e.Account, &e.account}, {e.Region, &e.region}, {e.Resource, &e.resource}} {
		for _, s := range p.texts {
			if s == "" {
				f.refuse(n, "an empty pattern covers nothing")
			}
			*p.into = append(*p.into, pattern.Parse(s, pattern.Syntax{Wildcards: true}))
		}
	}
	f.out.exceptions = append(f.out.exceptions, e)
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// Size is how many entries the register has, by section.
func (r *Register) Size() (decisions, attestations, exceptions int) {
	return len(r.decisions), len(r.attestations), len(r.exceptions)
}
