package assessment

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// JSON writes the assessment, indented, its accounts and findings one by one.
func (a *Assessment) JSON(w io.Writer) error {
	shell := *a
	shell.Accounts, shell.Findings = []Account{}, []rootkeep.Finding{}
	d := text.Document{Shell: &shell, Lists: []text.LongList{{Key: "accounts", Depth: 1, Each: each(a.Accounts)}, {Key: "findings", Depth: 1, Each: each(a.Findings)}}}
	return d.Write(w)
}

func each[T any](list []T) iter.Seq[any] {
	return func(yield func(any) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

// CSV writes a line per finding, or if frameworks were asked for a line per clause and
// basis. A cell that a spreadsheet would take for a formula is quoted with an apostrophe.
func (a *Assessment) CSV(w io.Writer) error {
	if len(a.Frameworks) > 0 {
		out := newTable(w)
		for _, line := range a.clauses() {
			if err := out.line(line...); err != nil {
				return err
			}
		}
		return out.close()
	}
	out := newTable(w)
	if err := out.line("status", "severity", "control", "title", "account", "region", "resource", "detail", "missing", "permissions", "owner", "until", "reason"); err != nil {
		return err
	}
	for i := range a.Findings {
		f := &a.Findings[i]
		owner, until, why := "", "", ""
		if e := f.Exception; e != nil {
			owner, until, why = e.Owner, e.Until.UTC().Format(time.DateOnly), e.Reason
		}
		if err := out.line(f.Status.String(), f.Severity.String(), f.Control, f.Title, string(f.Account), string(f.Region), f.Resource, f.Detail,
			strings.Join(f.Missing, "; "), strings.Join(f.Permissions, " "), owner, until, why); err != nil {
			return err
		}
	}
	return out.close()
}

// The elements of a JUnit report, as test runners and CI systems read them.
type (
	junitCase struct {
		XMLName xml.Name      `xml:"testcase"`
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// junitSuite begins a report.
func (a *Assessment) junitSuite() xml.StartElement {
	out := xml.StartElement{Name: xml.Name{Local: "testsuite"}}
	attribute := func(name, value string) {
		out.Attr = append(out.Attr, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	}
	attribute("name", "rootkeep scan of "+a.what())
	attribute("tests", strconv.Itoa(len(a.Findings)+len(a.Problems)))
	attribute("failures", strconv.Itoa(a.Counts.Fail))
	attribute("errors", strconv.Itoa(a.Counts.Unknown+len(a.Problems)))
	attribute("skipped", strconv.Itoa(a.Counts.NotApplicable+a.Counts.Excepted))
	return out
}

// JUnit writes a test case per finding, and one for what was not read; what is not
// known is an error, never a passed test.
func (a *Assessment) JUnit(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e, suite := xml.NewEncoder(w), a.junitSuite()
	e.Indent("", "  ")
	if err := e.EncodeToken(suite); err != nil {
		return err
	}
	for i := range a.Findings {
		if err := e.Encode(junitOf(&a.Findings[i])); err != nil {
			return err
		}
	}
	for _, p := range a.Problems {
		if err := e.Encode(junitCase{Class: "rootkeep", Name: p.File, Error: &junitMessage{Message: p.Reason, Type: "not-read"}}); err != nil {
			return err
		}
	}
	if err := errors.Join(e.EncodeToken(suite.End()), e.Close()); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func junitOf(f *rootkeep.Finding) junitCase {
	c := junitCase{Class: f.Control, Name: f.Title + ": " + f.Resource}
	switch f.Status {
	case rootkeep.Fail:
		c.Failure = &junitMessage{Message: f.Detail, Type: f.Severity.String()}
	case rootkeep.Unknown:
		c.Error = &junitMessage{Message: strings.Join(f.Missing, "; "), Type: "unknown"}
	case rootkeep.NotApplicable, rootkeep.Excepted:
		c.Skipped = &junitMessage{Message: f.Status.String()}
		if e := f.Exception; e != nil {
			c.Skipped.Message = acceptance(e)
		}
	}
	return c
}
