package sigma

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// This file is a second evaluator, written from the specification and not from
// the compiler: it walks decoded JSON and knows no index, memo or folding. The
// property test holds the compiled rules to it.

// truth is three-valued: placeholders without values leave items unknown.
type truth int

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// naive evaluates one rule on one record.
type naive struct {
	rule         map[string]any // the detection section
	record       any
	placeholders map[string][]string
}

func (n *naive) matches() bool {
	switch c := n.rule["condition"].(type) {
	case string:
		return n.condition(c) == yes
	case []any:
		return slices.ContainsFunc(c, func(s any) bool { return n.condition(s.(string)) == yes })
	}
	panic("no condition")
}

// condition evaluates by rewriting: the innermost parentheses first.
func (n *naive) condition(s string) truth {
	for {
		open := strings.LastIndex(s, "(")
		if open < 0 {
			return n.flat(s)
		}
		end := open + strings.Index(s[open:], ")")
		s = s[:open] + " =" + strconv.Itoa(int(n.flat(s[open+1:end]))) + " " + s[end+1:]
	}
}

func (n *naive) flat(s string) truth {
	best := no
	for _, alternative := range strings.Split(" "+s+" ", " or ") {
		all := yes
		for _, part := range strings.Split(" "+alternative+" ", " and ") {
			all = min(all, n.term(strings.Fields(part)))
		}
		best = max(best, all)
	}
	return best
}

func (n *naive) term(words []string) truth {
	switch {
	case words[0] == "not":
		return yes - n.term(words[1:])
	case strings.HasPrefix(words[0], "="):
		v, _ := strconv.Atoi(words[0][1:])
		return truth(v)
	case len(words) == 1:
		return n.search(n.rule[words[0]])
	}
	result := no
	if words[0] == "all" {
		result = yes
	}
	for name, search := range n.rule {
		if name == "condition" {
			continue
		}
		named, _ := path.Match(words[2], name)
		if words[2] == "them" {
			named = name[0] != '_'
		}
		switch {
		case !named:
		case words[0] == "all":
			result = min(result, n.search(search))
		default:
			result = max(result, n.search(search))
		}
	}
	return result
}

func (n *naive) search(s any) truth {
	if list, ok := s.([]any); ok {
		result := no
		for _, e := range list {
			result = max(result, n.search(e))
		}
		return result
	}
	result := yes
	for key, want := range s.(map[string]any) {
		result = min(result, n.item(key, want))
	}
	return result
}

func (n *naive) item(key string, want any) truth {
	mods := strings.Split(key, "|")
	field := mods[0]
	mods = mods[1:]
	has := func(m string) bool { return slices.Contains(mods, m) }
	got := lookup(n.record, field)
	if has("exists") {
		return truthOf((len(got) > 0) == want.(bool))
	}
	wants, ok := want.([]any)
	if !ok {
		wants = []any{want}
	}
	if has("expand") {
		var missing bool
		wants, missing = n.expand(wants)
		if missing && (len(wants) == 0 || has("all")) {
			return unknown
		}
	}
	one := func(w any) bool { return n.anyHolds(mods, got, w) }
	result := slices.ContainsFunc(wants, one)
	if has("all") {
		result = !slices.ContainsFunc(wants, func(w any) bool { return !one(w) })
	}
	return truthOf(result != has("neq"))
}

// expand replaces at most one placeholder a value; the generator makes no more.
func (n *naive) expand(wants []any) (out []any, missing bool) {
	for _, w := range wants {
		s, ok := w.(string)
		m := regexp.MustCompile(`%(\w+)%`).FindStringSubmatch(s)
		if !ok || m == nil {
			out = append(out, w)
			continue
		}
		if len(n.placeholders[m[1]]) == 0 {
			missing = true
		}
		for _, v := range n.placeholders[m[1]] {
			out = append(out, strings.Replace(s, m[0], v, 1))
		}
	}
	return out, missing
}

func (n *naive) anyHolds(mods []string, got []any, want any) bool {
	if want == nil {
		return len(got) == 0 || slices.Contains(got, nil)
	}
	if slices.Contains(mods, "fieldref") {
		for _, other := range lookup(n.record, want.(string)) {
			text, ok := textOf(other)
			if ok && slices.ContainsFunc(got, func(g any) bool { return literalHolds(mods, g, text) }) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(got, func(g any) bool { return valueHolds(mods, g, want) })
}

// literalHolds compares with text that is no pattern.
func literalHolds(mods []string, got any, want string) bool {
	text, ok := textOf(got)
	if !ok {
		return false
	}
	if !slices.Contains(mods, "cased") {
		text, want = strings.ToLower(text), strings.ToLower(want)
	}
	switch {
	case slices.Contains(mods, "contains"):
		return strings.Contains(text, want)
	case slices.Contains(mods, "startswith"):
		return strings.HasPrefix(text, want)
	case slices.Contains(mods, "endswith"):
		return strings.HasSuffix(text, want)
	}
	return text == want
}

func valueHolds(mods []string, got, want any) bool {
	text, ok := textOf(got)
	if !ok {
		return false
	}
	has := func(m string) bool { return slices.Contains(mods, m) }
	if i := slices.IndexFunc(mods, func(m string) bool { return datePart(m, time.Time{}) >= 0 }); i >= 0 {
		t, err := time.Parse(time.RFC3339, text)
		return err == nil && compareNumbers(mods, strconv.Itoa(datePart(mods[i], t)), want.(json.Number).String())
	}
	switch {
	case has("re"):
		flags := ""
		for _, f := range []string{"i", "m", "s"} {
			if has(f) {
				flags += f
			}
		}
		return regexp.MustCompile(flagged(flags, want.(string))).MatchString(text)
	case has("cidr"):
		_, network, err := net.ParseCIDR(want.(string))
		ip := net.ParseIP(text)
		return err == nil && ip != nil && network.Contains(ip)
	case has("lt") || has("lte") || has("gt") || has("gte"):
		return compareNumbers(mods, text, want.(json.Number).String())
	}
	if number, ok := want.(json.Number); ok && !has("contains") && !has("startswith") && !has("endswith") && !has("cased") && !has("expand") {
		return sameNumber(text, number.String())
	}
	pattern := ""
	switch w := want.(type) {
	case string:
		pattern = w
	case bool:
		pattern = strconv.FormatBool(w)
	case json.Number:
		pattern = w.String()
	}
	return stringHolds(mods, text, pattern)
}

func flagged(flags, expr string) string {
	if flags == "" {
		return expr
	}
	return "(?" + flags + ":" + expr + ")"
}

func datePart(part string, t time.Time) int {
	switch part {
	case "minute":
		return t.Minute()
	case "hour":
		return t.Hour()
	case "day":
		return t.Day()
	case "week":
		_, week := t.ISOWeek()
		return week
	case "month":
		return int(t.Month())
	case "year":
		return t.Year()
	}
	return -1
}

func compareNumbers(mods []string, got, want string) bool {
	g, ok := rat(got)
	if !ok {
		return false
	}
	w, _ := rat(want)
	c := g.Cmp(w)
	switch {
	case slices.Contains(mods, "lt"):
		return c < 0
	case slices.Contains(mods, "lte"):
		return c <= 0
	case slices.Contains(mods, "gt"):
		return c > 0
	case slices.Contains(mods, "gte"):
		return c >= 0
	}
	return c == 0
}

func rat(s string) (*big.Rat, bool) {
	var n json.Number
	if s == "" || strings.ContainsAny(s, `" `) || json.Unmarshal([]byte(s), &n) != nil || n == "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func sameNumber(got, want string) bool {
	if strings.EqualFold(got, want) {
		return true
	}
	if !strings.ContainsAny(got+want, ".eE") {
		return false
	}
	g, ok := rat(got)
	w, _ := rat(want)
	return ok && g.Cmp(w) == 0
}

// symbol is a character of a pattern, or a wildcard.
type symbol struct {
	r    rune
	wild bool
}

func symbols(pattern string) []symbol {
	var out []symbol
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch {
		case rs[i] == '\\' && i+1 < len(rs) && (rs[i+1] == '*' || rs[i+1] == '?' || rs[i+1] == '\\'):
			i++
			out = append(out, symbol{r: rs[i]})
		case rs[i] == '*' || rs[i] == '?':
			out = append(out, symbol{rs[i], true})
		default:
			out = append(out, symbol{r: rs[i]})
		}
	}
	return out
}

func stringHolds(mods []string, text, pattern string) bool {
	has := func(m string) bool { return slices.Contains(mods, m) }
	variants := [][]symbol{symbols(pattern)}
	if has("windash") {
		variants = dashVariants(variants[0])
	}
	for _, m := range mods {
		variants = encodeVariants(variants, m)
	}
	for _, v := range variants {
		star := symbol{'*', true}
		if has("contains") || has("endswith") {
			v = slices.Concat([]symbol{star}, v)
		}
		if has("contains") || has("startswith") {
			v = slices.Concat(v, []symbol{star})
		}
		if !has("cased") {
			text = strings.ToLower(text)
			for i := range v {
				if !v[i].wild {
					v[i].r = []rune(strings.ToLower(string(v[i].r)))[0]
				}
			}
		}
		if wildMatch(v, []rune(text)) {
			return true
		}
	}
	return false
}

func wildMatch(p []symbol, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0].wild && p[0].r == '*':
		for i := 0; i <= len(s); i++ {
			if wildMatch(p[1:], s[i:]) {
				return true
			}
		}
		return false
	case len(s) == 0:
		return false
	}
	return (p[0].wild || p[0].r == s[0]) && wildMatch(p[1:], s[1:])
}

func dashVariants(p []symbol) [][]symbol {
	out := [][]symbol{nil}
	for _, s := range p {
		options := []rune{s.r}
		if !s.wild && strings.ContainsRune("-/–—―", s.r) {
			options = []rune("-/–—―")
		}
		var next [][]symbol
		for _, head := range out {
			for _, r := range options {
				next = append(next, append(slices.Clone(head), symbol{r, s.wild}))
			}
		}
		out = next
	}
	return out
}

// encodeVariants encodes patterns without wildcards; the generator gives no
// others to encodings.
func encodeVariants(in [][]symbol, mod string) [][]symbol {
	var out [][]symbol
	for _, v := range in {
		var plain []rune
		for _, s := range v {
			plain = append(plain, s.r)
		}
		for _, enc := range encodings(string(plain), mod) {
			if enc == string(plain) {
				out = append(out, v)
				continue
			}
			var lit []symbol
			for _, r := range enc {
				lit = append(lit, symbol{r: r})
			}
			out = append(out, lit)
		}
	}
	return out
}

func encodings(s, mod string) []string {
	switch mod {
	case "wide", "utf16le":
		return []string{utf16Text(s, 0)}
	case "utf16be":
		return []string{utf16Text(s, 1)}
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	case "base64offset":
		var out []string
		for shift := range 3 {
			enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + s))
			enc = enc[[]int{0, 2, 3}[shift]:]
			out = append(out, enc[:len(enc)-[]int{0, 3, 2}[(len(s)+shift)%3]])
		}
		return out
	}
	return []string{s}
}

func utf16Text(s string, high int) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		pair := []byte{byte(u), byte(u >> 8)}
		b.WriteByte(pair[high])
		b.WriteByte(pair[1-high])
	}
	return b.String()
}

// lookup follows a dotted path through objects and the elements of arrays.
func lookup(record any, path string) []any {
	at := []any{record}
	for _, name := range strings.Split(path, ".") {
		var next []any
		for _, v := range at {
			for _, e := range elements(v) {
				if m, ok := e.(map[string]any); ok {
					if child, ok := m[name]; ok {
						next = append(next, child)
					}
				}
			}
		}
		at = next
	}
	var out []any
	for _, v := range at {
		out = append(out, elements(v)...)
	}
	return out
}

// elements expands an array; an empty one stands for itself.
func elements(v any) []any {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return []any{v}
	}
	var out []any
	for _, e := range list {
		out = append(out, elements(e)...)
	}
	return out
}

// textOf is the text that string tests see; null and the empty array have none.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case map[string]any:
		return plainJSON(v), true
	}
	return "", false
}

// plainJSON is JSON without white space and without escapes, keys sorted.
func plainJSON(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return `"` + v + `"`
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, plainJSON(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var parts []string
		for k, e := range v {
			parts = append(parts, `"`+k+`":`+plainJSON(e))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}
	s, _ := textOf(v)
	return s
}
