package event

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

const (
	// maxParams is how many values of one request are looked at. AWS's requests have
	// dozens; a list with thousands of resources is cut, and the call's resource
	// counts as not known then.
	maxParams = 2000
	// maxValue is the longest value that can be part of an ARN (S3 keys: 1,024 bytes).
	maxValue = 1600
)

// params are the texts of a request's parameters by name in lower case, wherever in
// the request they stand. Names of objects and lists are there without values.
type params struct {
	values map[string][]string
	order  []string // names of values, in order of appearance
	count  int
	cut    bool
}

func readParams(raw json.RawMessage) params {
	p := params{values: map[string][]string{}}
	var v any
	// What is no JSON was refused with the record; a text or null has no names.
	if json.Unmarshal(raw, &v) == nil {
		p.walk("", v)
	}
	slices.Sort(p.order)
	p.order = slices.Compact(p.order)
	return p
}

func (p *params) walk(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			key = strings.ToLower(key)
			if _, ok := p.values[key]; !ok && len(p.values) < maxParams {
				p.values[key] = nil
			}
			p.walk(key, inner)
		}
	case []any:
		for _, inner := range v {
			p.walk(name, inner)
		}
	case string:
		if p.count == maxParams {
			p.cut = true
			return
		}
		p.count++
		if name != "" && len(v) <= maxValue && !slices.Contains(p.values[name], v) {
			p.values[name] = append(p.values[name], v)
			p.order = append(p.order, name)
		}
	}
}

// has says whether the request has a parameter; case does not matter.
func (p *params) has(name string) bool {
	_, ok := p.values[strings.ToLower(name)]
	return ok
}

// value says how a placeholder is filled: text and parameters in turn.
type value struct {
	parts [][]part // one list for each alternative
	// oneOf says that the alternatives are readings of one parameter, of which only one
	// is the resource's name.
	oneOf bool
}

// part is literal text, in which * and ? are wildcards, or a parameter.
type part struct {
	text     string
	param    string // in lower case, "" for literal text
	modifier string
}

// modifiers of a parameter in a value; see content/eventactions/services.txt.
var modifiers = []string{"", "path", "last", "bare", "source", "alias"}

func parseValues(words []string) (value, error) {
	var v value
	for _, w := range words {
		parts, err := parseParts(w)
		if err != nil {
			return v, err
		}
		v.parts = append(v.parts, parts)
	}
	v.oneOf = len(v.parts) == 2 && parameter(v.parts[0]) == parameter(v.parts[1])
	return v, nil
}

// parameter is the last parameter of an alternative, "" if it has none.
func parameter(parts []part) (name string) {
	for _, p := range parts {
		if p.param != "" {
			name = p.param
		}
	}
	return name
}

// parseParts takes text with ${parameter:modifier} apart.
func parseParts(text string) (out []part, err error) {
	for text != "" {
		before, rest, ok := strings.Cut(text, "${")
		if before != "" {
			out = append(out, part{text: before})
		}
		if !ok {
			return out, nil
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, errors.New("${ without }")
		}
		name, modifier, _ := strings.Cut(name, ":")
		if name == "" || !slices.Contains(modifiers, modifier) {
			return nil, errors.New("${" + name + ":" + modifier + "}: want a parameter and one of path, last, bare, source, alias")
		}
		out = append(out, part{param: strings.ToLower(name), modifier: modifier})
		text = after
	}
	return out, nil
}

// texts are the values of a parameter as they can stand in an ARN pattern. ARNs among
// them are left out, see place.arns. ok is false if another does not fit: the resource
// is not known then, because a part of it would be missed.
func (p *params) texts(name, modifier string) (out []string, ok bool) {
	ok = true
	for _, v := range p.values[name] {
		if strings.HasPrefix(v, "arn:") {
			continue
		}
		if v, fits := fit(v, modifier); fits {
			out = append(out, escaped(v))
		} else {
			ok = false
		}
	}
	return out, ok
}

// escaped makes text a pattern without wildcards and variables (IAM User Guide, "IAM
// policy elements: Variables and tags", special characters).
func escaped(text string) string {
	if !strings.ContainsAny(text, "*?$") {
		return text
	}
	return escapes.Replace(text)
}

var (
	escapes   = strings.NewReplacer("${", "${$}{", "*", "${*}", "?", "${?}")
	unescapes = strings.NewReplacer("${$}", "$", "${*}", "*", "${?}", "?")
)

func fit(v, modifier string) (string, bool) {
	if v == "" || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", false
	}
	switch modifier {
	case "path":
		return v, true
	case "last":
		v = v[strings.LastIndexByte(v, '/')+1:]
	case "bare":
		v = strings.TrimPrefix(v, "/")
		return v, v != "" && !strings.Contains(v, ":")
	case "source": // x-amz-copy-source: /bucket/key?versionId=...
		v, _, _ = strings.Cut(strings.TrimPrefix(v, "/"), "?versionId=")
		bucket, key, ok := strings.Cut(v, "/")
		return v, ok && bucket != "" && key != "" && !strings.Contains(v, "%")
	case "alias":
		v = strings.TrimPrefix(v, "alias/")
		return v, v != "" && !strings.Contains(v, ":")
	}
	return v, v != "" && !strings.ContainsAny(v, "/:")
}
