package assessment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// What is written one by one is what is marshalled at once.
func TestJSONInParts(t *testing.T) {
	for name, a := range map[string]*assessment.Assessment{
		"a story": assessmenttest.Story(), "hostile texts": assessmenttest.Hostile(), "no account": assessment.New("v", assessmenttest.Day, nil),
	} {
		var whole, parts bytes.Buffer
		e := json.NewEncoder(&whole)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(a); err != nil {
			t.Fatal(err)
		}
		if err := a.JSON(&parts); err != nil {
			t.Fatal(err)
		}
		if want := text.Inert(whole.Bytes()); !bytes.Equal(parts.Bytes(), want) {
			t.Errorf("%s: got\n%.2000s\nwant\n%.2000s", name, parts.Bytes(), want)
		}
	}
}

// The list of findings is made about once for an organization whose size is known, and
// holds them all if the accounts are not as those before.
func TestRoomForFindings(t *testing.T) {
	for _, c := range []struct {
		name           string
		expected, made int
		each           func(account int) int
	}{
		{"accounts alike", 1000, 4, func(int) int { return 600 }},
		{"a large one among the first", 1000, 4, func(i int) int { return 600 + 600*(i%2) }},
		{"larger ones at the end", 1000, 12, func(i int) int { return i }},
		{"more than were expected", 20, 12, func(int) int { return 600 }},
		{"nobody said how many", 0, 16, func(int) int { return 600 }},
	} {
		a := assessment.New("v", time.Now(), nil)
		a.Expect(c.expected)
		total, made, room := 0, 0, 0
		for i := range 200 {
			n := c.each(i)
			total += n
			list := make([]rootkeep.Finding, n)
			for k := range list {
				list[k].Resource = fmt.Sprint(i, " ", k)
			}
			a.Add(&facts.Snapshot{}, list)
			if cap(a.Findings) != room && i >= 16 {
				made++
			}
			room = cap(a.Findings)
		}
		if len(a.Findings) != total || a.Findings[total-1].Resource != fmt.Sprint("199 ", c.each(199)-1) {
			t.Errorf("%s: got %d findings, want %d", c.name, len(a.Findings), total)
		}
		if made > c.made {
			t.Errorf("%s: the list was made %d times, want at most %d", c.name, made, c.made)
		}
	}
}
