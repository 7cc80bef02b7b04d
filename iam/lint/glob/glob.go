// Package glob compares wildcard patterns with each other: which covers which, and
// whether two can mean the same thing. Values of a policy go in.
package glob

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Entry is one value of a list as a pattern.
type Entry struct {
	text    string
	head    string // before the first wildcard
	narrow  string // the text with wildcards replaced by what only a star can cover
	pattern pattern.Pattern
	wild    bool
	many    bool // more question marks than narrowed reckons with
}

// maxQuestions keeps narrowed texts short: a pattern with more question marks is not
// taken for one that covers other patterns.
const maxQuestions = 64

// Compile reads the values of one list. Lower compares without case.
func Compile(values []string, lower bool) []Entry {
	out := make([]Entry, len(values))
	questions := 0
	for _, v := range values {
		questions = min(max(questions, strings.Count(v, "?")), maxQuestions)
	}
	for i, v := range values {
		if lower {
			v = strings.ToLower(v)
		}
		e := Entry{text: v, head: v, narrow: v}
		if at := strings.IndexAny(v, "*?"); at >= 0 {
			e.wild, e.head = true, v[:at]
			e.narrow = narrowed(v, questions)
			e.many = strings.Count(v, "?") > maxQuestions
			e.pattern = pattern.Parse(v, pattern.Syntax{Wildcards: true})
		}
		out[i] = e
	}
	return out
}

// narrowed replaces the stars of a pattern by more characters than the question
// marks of another could stand for, and its question marks by one that only a
// wildcard covers: what covers the result covers all that the pattern stands for.
func narrowed(text string, questions int) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "*", strings.Repeat("\x00", questions+1)), "?", "\x01")
}

// Plain is a text without wildcards, which entries of every list can be compared
// with.
func Plain(text string) Entry { return Entry{text: text, head: text, narrow: text} }

// Text is the value, in lower case if the list was read so.
func (w *Entry) Text() string { return w.text }

// Wild says whether the value holds a wildcard.
func (w *Entry) Wild() bool { return w.wild }

// Covers says whether every text that narrow stands for is one that w stands for
// too. Both are of one list, or narrow is Plain. It may say no where only a closer
// look would show that they do.
func (w *Entry) Covers(narrow *Entry) bool {
	if !w.wild {
		return w.text == narrow.text
	}
	if !strings.HasPrefix(narrow.narrow, w.head) || w.many && narrow.wild {
		return false
	}
	if !w.pattern.Match(narrow.narrow) {
		return false
	}
	// Stars stand for nothing as well, which a question mark does not cover.
	return !narrow.wild || !strings.Contains(w.text, "?") || w.pattern.Match(strings.ReplaceAll(narrow.narrow, "\x00", ""))
}

// Groups lists the entries that say the same thing twice: each group is an entry
// that covers others, and those others, in the order of the list. cover is the
// entry that would be kept.
func Groups(list []Entry) (out [][]int, covering []int) {
	taken := make([]bool, len(list))
	exact, group := map[string]int{}, map[int]int{}
	add := func(wide, narrow int) {
		if g, ok := group[wide]; ok {
			out[g] = append(out[g], narrow)
			return
		}
		group[wide] = len(out)
		covering = append(covering, wide)
		out = append(out, []int{wide, narrow})
	}
	for i := range list {
		if first, ok := exact[list[i].text]; ok {
			taken[i] = true
			add(first, i)
			continue
		}
		exact[list[i].text] = i
	}
	wild := widest(list, taken)
	for i := range list {
		if taken[i] {
			continue
		}
		for _, w := range wild {
			if w != i && list[w].Covers(&list[i]) {
				add(w, i)
				break
			}
		}
	}
	return out, covering
}

// widest are the patterns that no other pattern of the list covers.
func widest(list []Entry, taken []bool) []int {
	var out []int
	for i := range list {
		if !list[i].wild || taken[i] {
			continue
		}
		covered := false
		for j := range list {
			if i != j && list[j].wild && !taken[j] && list[j].Covers(&list[i]) {
				covered = true
				break
			}
		}
		if !covered {
			out = append(out, i)
		}
	}
	return out
}

// Meets says whether some text is matched by both patterns; * and ? are wildcards
// in both. Time is the product of the lengths.
func Meets(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] != '*' && b[0] != '*' {
		if a[0] != b[0] && a[0] != '?' && b[0] != '?' {
			return false
		}
		a, b = a[1:], b[1:]
	}
	// row[j] says whether a[:i] and b[:j] can be the same text so far.
	row, next := make([]bool, len(b)+1), make([]bool, len(b)+1)
	row[0] = true
	for j := 0; j < len(b) && b[j] == '*'; j++ {
		row[j+1] = true
	}
	for i := range len(a) {
		next[0] = row[0] && a[i] == '*'
		for j := range len(b) {
			switch {
			case a[i] == '*' || b[j] == '*':
				next[j+1] = a[i] == '*' && (row[j+1] || next[j] || row[j]) || b[j] == '*' && (next[j] || row[j+1] || row[j])
			default:
				next[j+1] = row[j] && (a[i] == b[j] || a[i] == '?' || b[j] == '?')
			}
		}
		row, next = next, row
	}
	return row[len(b)]
}
