package lint

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// covers says whether every text that the pattern narrow stands for is one that
// wide stands for too. A wildcard of narrow is replaced by more characters than the
// question marks of wide could eat, so only a star of wide can cover it.
func covers(wide *pattern.Pattern, wideText, narrow string) bool {
	if strings.ContainsAny(narrow, "*?") {
		any := strings.Repeat("\x00", strings.Count(wideText, "?")+1)
		narrow = strings.ReplaceAll(strings.ReplaceAll(narrow, "*", any), "?", "\x01")
	}
	return wide.Match(narrow)
}

// compiled is a list entry as a pattern.
type compiled struct {
	text    string
	pattern pattern.Pattern
	wild    bool
}

func compileList(values []string, lower bool) []compiled {
	out := make([]compiled, len(values))
	for i, v := range values {
		if lower {
			v = strings.ToLower(v)
		}
		out[i] = compiled{text: v, wild: strings.ContainsAny(v, "*?")}
		if out[i].wild {
			out[i].pattern = pattern.Parse(v, pattern.Syntax{Wildcards: true})
		}
	}
	return out
}

func (w *compiled) covers(narrow *compiled) bool {
	if !w.wild {
		return w.text == narrow.text
	}
	return covers(&w.pattern, w.text, narrow.text)
}

// groups lists the entries that say the same thing twice: each group is an entry
// that covers others, and those others, in the order of the list. cover is the
// entry that would be kept.
func groups(list []compiled) (out [][]int, covering []int) {
	taken := make([]bool, len(list))
	exact := map[string]int{}
	add := func(wide, narrow int) {
		for g, w := range covering {
			if w == wide {
				out[g] = append(out[g], narrow)
				return
			}
		}
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
			if w != i && list[w].covers(&list[i]) {
				add(w, i)
				break
			}
		}
	}
	return out, covering
}

// widest are the patterns that no other pattern of the list covers.
func widest(list []compiled, taken []bool) []int {
	var out []int
	for i := range list {
		if !list[i].wild || taken[i] {
			continue
		}
		covered := false
		for j := range list {
			if i != j && list[j].wild && !taken[j] && list[j].covers(&list[i]) {
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

// meets says whether some text is matched by both patterns; * and ? are wildcards
// in both. Time is the product of the lengths.
func meets(a, b string) bool {
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
