package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// judge looks at one rule.
type judge struct {
	*linter
	impossible map[*sigma.Item]bool // no record satisfies the item
	clashes    map[[2]literal]bool  // answers of contradicts
}

// item judges one item for itself.
func (j *judge) item(u *usage) {
	it := u.item
	if !j.path(it.Field, it.Line) {
		j.impossible[it] = !slices.ContainsFunc(it.Values, func(v value.Scalar) bool { return v.Kind == value.NullScalar })
	}
	if it.Modifiers.FieldRef {
		j.references(u)
		return
	}
	j.names(u)
	for _, v := range it.Values {
		if v.Kind == value.TextScalar && fieldLike.MatchString(v.Text) {
			j.report(it.Line, "literal-field-name", Warning,
				"%s compares with the text %s, not with the field of that name; hint: add the modifier fieldref", it.Key, v.Text)
		}
		if u.turned && formOf(&it.Modifiers, v).kind == anything {
			j.report(it.Line, "negated-wildcard", Warning,
				"any value of %s satisfies %q, so its negation holds only when the field is absent or null; hint: write %s|exists: false", it.Key, v.Text, it.Field)
		}
	}
}

// fieldLike is a value that looks like the path of a record's field.
var fieldLike = regexp.MustCompile(`^(userIdentity|requestParameters|responseElements|additionalEventData|serviceEventDetails)(\.[A-Za-z][A-Za-z0-9]*)+$`)

// references judges an item with the modifier fieldref.
func (j *judge) references(u *usage) {
	it := u.item
	never := true
	for _, v := range it.Values {
		known := j.path(v.Text, it.Line)
		clash := isARN(it.Field) && isName(v.Text) && it.Modifiers.Op == value.Equal || isName(it.Field) && isARN(v.Text)
		if clash {
			j.report(it.Line, "arn-and-name", Warning, "%s is compared with %s: one is a full ARN, the other a bare name, so they are never equal%s; hint: %s",
				it.Field, v.Text, excludesNothing(u), arnHint(it.Field, v.Text))
		}
		never = never && (clash || !known)
	}
	if never {
		j.impossible[it] = true
	}
}

// arnHint names the comparison that was meant.
func arnHint(a, b string) string {
	if isARN(b) {
		a, b = b, a
	}
	if a == "userIdentity.arn" && strings.HasSuffix(b, ".userName") {
		return "compare userIdentity.userName with " + b
	}
	return "write " + a + "|endswith|fieldref: " + b
}

func excludesNothing(u *usage) string {
	if u.turned && !u.asked {
		return " and the exclusion excludes nothing"
	}
	return ""
}

// names judges literals against fields that hold an ARN or a bare name.
func (j *judge) names(u *usage) {
	it := u.item
	never := len(it.Values) > 0
	for _, v := range it.Values {
		f := formOf(&it.Modifiers, v)
		clash := false
		switch {
		case v.Kind != value.TextScalar || f.kind != exact && f.kind != prefix:
		case isName(it.Field) && strings.HasPrefix(fold(f.text), "arn:"):
			clash = true
			j.report(it.Line, "arn-and-name", Warning, "%s holds a bare name, never the ARN %s%s; hint: write the part after the last slash", it.Field, v.Text, excludesNothing(u))
		case isARN(it.Field) && f.kind == exact && f.text != "" && !strings.HasPrefix(fold(f.text), "arn:"):
			clash = true
			j.report(it.Line, "arn-and-name", Warning, "%s holds a full ARN, never just %s%s; hint: write %s|endswith: /%s", it.Field, v.Text, excludesNothing(u), it.Field, v.Text)
		}
		never = never && clash
	}
	if never {
		j.impossible[it] = true
	}
}

// outcome judges the condition as a whole.
func (j *judge) outcome(branches []branch) {
	if j.allDead(branches) {
		j.report(j.header.Line, "never-matches", Warning, "no record satisfies the condition; hint: rootkeep rules explain tells which part of it fails on an event")
		return
	}
	alive := map[*sigma.Item]bool{}
	for _, b := range branches {
		if !j.dead(b) {
			for _, l := range b {
				alive[l.item] = true
			}
		}
	}
	told := map[string]bool{}
	for _, b := range branches {
		for _, l := range b {
			if alive[l.item] || l.negated || j.impossible[l.item] || told[l.item.Search] {
				continue
			}
			told[l.item.Search] = true
			j.report(l.item.Line, "dead-selection", Warning, "%s in %s contradicts the rest of the condition, so this part never matches; hint: compare its values with the other selections", l.item.Key, l.item.Search)
		}
	}
}

func (j *judge) allDead(branches []branch) bool {
	return !slices.ContainsFunc(branches, func(b branch) bool { return !j.dead(b) })
}

// dead says for certain that no record satisfies a branch.
func (j *judge) dead(b branch) bool {
	for i, l := range b {
		if !l.negated && j.impossible[l.item] {
			return true
		}
		for _, m := range b[:i] {
			if j.clash(l, m) {
				return true
			}
		}
	}
	return false
}

func (j *judge) clash(l, m literal) bool {
	key := [2]literal{l, m}
	answer, known := j.clashes[key]
	if !known {
		answer = l.contradicts(m)
		j.clashes[key] = answer
	}
	return answer
}
