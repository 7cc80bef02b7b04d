package answer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Find finds a caller by its ARN, or by what follows the account in it: root,
// user/NAME, role/NAME, with or without a path. The error lists names that are near.
func Find(m *matrix.Matrix, name string) (*matrix.Caller, error) {
	var short []*matrix.Caller
	for _, c := range m.Callers() {
		if c.Principal.ARN == name {
			return c, nil
		}
		full := after(c.Principal.ARN)
		kind, _, _ := strings.Cut(full, "/")
		if full == name || kind+"/"+c.Principal.Name == name {
			short = append(short, c)
		}
	}
	if len(short) == 1 {
		return short[0], nil
	}
	if len(short) > 1 {
		return nil, fmt.Errorf("principal %s: %d principals have this name; hint: give the ARN", name, len(short))
	}
	hint := "give an ARN, user/NAME or role/NAME"
	if near := nearest(m, name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return nil, fmt.Errorf("principal %s: not in the account's details; hint: %s", name, hint)
}

// after is what follows the account in an ARN.
func after(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// nearest lists up to three names that are a few letters away.
func nearest(m *matrix.Matrix, name string) (out []string) {
	type near struct {
		name  string
		steps int
	}
	var list []near
	want := strings.ToLower(after(name))
	for _, c := range m.Callers() {
		full := after(c.Principal.ARN)
		kind, _, _ := strings.Cut(full, "/")
		steps := min(distance(want, strings.ToLower(full)), distance(want, strings.ToLower(kind+"/"+c.Principal.Name)), distance(want, strings.ToLower(c.Principal.Name)))
		if steps <= 1+len(want)/4 {
			list = append(list, near{full, steps})
		}
	}
	slices.SortStableFunc(list, func(a, b near) int { return a.steps - b.steps })
	for _, n := range list[:min(3, len(list))] {
		out = append(out, n.name)
	}
	return out
}

// longest is up to where names are compared; AWS's longest is shorter.
const longest = 256

// distance is how many letters must be put in, left out or changed (Levenshtein).
func distance(a, b string) int {
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

// named says whether a pattern with * stands for a principal, by its ARN or by what
// follows the account in it.
func named(text, principal string) bool {
	p := pattern.Parse(text, pattern.Syntax{Wildcards: true})
	return p.Match(principal) || p.Match(after(principal))
}
