package assessment

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// CSV writes a line per finding, or if frameworks were asked for a line per clause and
// basis. A cell that a spreadsheet would take for a formula is quoted with an apostrophe.
func (a *Assessment) CSV(w io.Writer) error {
	if len(a.Frameworks) > 0 {
		return writeCSV(w, a.clauses())
	}
	lines := [][]string{{"status", "severity", "control", "title", "account", "region", "resource", "detail", "missing", "permissions", "owner", "until", "reason"}}
	for _, f := range a.Findings {
		line := []string{
			f.Status.String(), f.Severity.String(), f.Control, f.Title, string(f.Account), string(f.Region), f.Resource, f.Detail, strings.Join(f.Missing, "; "), strings.Join(f.Permissions, " "),
			"", "", "",
		}
		if e := f.Exception; e != nil {
			copy(line[len(line)-3:], []string{e.Owner, e.Until.UTC().Format(time.DateOnly), e.Reason})
		}
		lines = append(lines, line)
	}
	return writeCSV(w, lines)
}

// The elements of a JUnit report, as test runners and CI systems read them.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
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

// JUnit writes a test case per finding, and one for what was not read; what is not
// known is an error, never a passed test.
func (a *Assessment) JUnit(w io.Writer) error {
	suite := junitSuite{Name: "rootkeep scan of " + a.what(), Tests: len(a.Findings), Failures: a.Counts.Fail, Errors: a.Counts.Unknown, Skipped: a.Counts.NotApplicable + a.Counts.Excepted}
	for _, f := range a.Findings {
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
		suite.Cases = append(suite.Cases, c)
	}
	suite.Tests, suite.Errors = suite.Tests+len(a.Problems), suite.Errors+len(a.Problems)
	for _, p := range a.Problems {
		suite.Cases = append(suite.Cases, junitCase{Class: "rootkeep", Name: p.File, Error: &junitMessage{Message: p.Reason, Type: "not-read"}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
