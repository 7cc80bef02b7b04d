package event

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Certainty says how a resource is known. The zero Certainty is Named.
type Certainty uint8

// Certainties.
const (
	Named    Certainty = iota // the record names it
	Derived                   // some of its ARN is not known and stands as a wildcard
	Untold                    // the record does not tell which
	NoneHave                  // the action has no resource: only "*" can be granted
)

// MarshalText writes named, derived, untold or none.
func (c Certainty) MarshalText() ([]byte, error) {
	return []byte([...]string{"named", "derived", "untold", "none"}[min(c, NoneHave)]), nil
}

// Resource is what a call touched.
type Resource struct {
	// Text is a pattern for the Resource element: special characters of what the
	// record names are escaped. In a Named one nothing is a wildcard.
	Text      string
	Certainty Certainty
	// OneOf is what the record says, if it can be read in several ways: of the
	// resources with the same OneOf the call touched one.
	OneOf string
}

// Literal is the ARN that a Named resource stands for. Of another it is the pattern
// with its wildcards as plain characters.
func (r Resource) Literal() string { return unescapes.Replace(r.Text) }

// maxPerCall is how many resources of one call are told apart.
const maxPerCall = 200

// place fills ARN templates for one call.
type place struct {
	*Finder
	call  *Call
	found []string            // ARNs of the record, once looked for
	types map[string][]string // what typesOf found
}

// resources are what an action of the call touched: what the record's resources or
// parameters name, type by type; for types that the action always touches and nobody
// names, every resource of that type in account and region.
func (p *place) resources(a named) []Resource {
	if a.resource != "" {
		return p.template(a.resource)
	}
	if len(a.action.Resources) == 0 {
		return []Resource{{Text: "*", Certainty: NoneHave}}
	}
	if p.call.params.cut {
		return []Resource{{Text: "*", Certainty: Untold}}
	}
	var out []Resource
	needed := p.table.needs[strings.ToLower(a.action.String())]
	for _, of := range a.action.Resources {
		for _, rt := range metadata.ResourceTypes(a.action.Service) {
			if rt.Name != of.Type {
				continue
			}
			found := p.ofType(a.action.Service, rt)
			if len(found) == 0 && (of.Required || slices.Contains(needed, of.Type)) {
				found = p.wide(rt)
			}
			out = append(out, found...)
		}
	}
	if len(out) == 0 || len(out) > maxPerCall {
		return []Resource{{Text: "*", Certainty: Untold}}
	}
	return distinct(out)
}

func distinct(list []Resource) []Resource {
	slices.SortFunc(list, func(a, b Resource) int { return strings.Compare(a.Text, b.Text) })
	return slices.CompactFunc(list, func(a, b Resource) bool { return a.Text == b.Text })
}

// ofType finds the resources of one type that the record names.
func (p *place) ofType(service string, rt metadata.ResourceType) (out []Resource) {
	for _, arn := range p.arns() {
		if slices.Contains(p.typesOf(service, arn), rt.Name) {
			out = append(out, Resource{Text: escaped(arn), Certainty: Named})
		}
	}
	for template := range strings.SplitSeq(rt.ARN, ", ") {
		out = append(out, p.fill(template, service, rt.Name)...)
	}
	return out
}

// arns are those of the record's resources and of the parameters.
func (p *place) arns() []string {
	if p.found != nil {
		return p.found
	}
	out := []string{}
	add := func(s string) {
		if parts, ok := condition.SplitARN(s); ok && parts[5] != "" && plainHead(parts) && len(s) <= maxValue && len(out) < maxPerCall && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, r := range p.call.resources {
		add(r.ARN)
	}
	for _, name := range p.call.params.order {
		for _, v := range p.call.params.values[name] {
			if strings.HasPrefix(v, "arn:") {
				add(v)
			}
		}
	}
	p.found = out
	return out
}

// plainHead says that the parts before the resource hold nothing that a policy reads
// as a wildcard or variable, and no control character: they cannot be escaped there.
func plainHead(parts [6]string) bool {
	for _, part := range parts[:5] {
		if strings.ContainsAny(part, "*?$/ ") {
			return false
		}
	}
	return !strings.ContainsFunc(strings.Join(parts[:], ":"), func(r rune) bool { return r < ' ' || r == 0x7f })
}

// fill makes ARNs of a template. A placeholder that nothing fills leaves none.
func (p *place) fill(template, service, kind string) []Resource {
	heads := []Resource{{Text: "", Certainty: Named}}
	for template != "" {
		before, rest, ok := strings.Cut(template, "${")
		for i := range heads {
			heads[i].Text += before
		}
		if !ok {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		values := p.placeholder(service, kind, name)
		if len(values) == 0 || len(heads)*len(values) > maxPerCall {
			return nil
		}
		next := make([]Resource, 0, len(heads)*len(values))
		for _, h := range heads {
			for _, v := range values {
				next = append(next, Resource{h.Text + v.Text, max(h.Certainty, v.Certainty), h.OneOf + v.OneOf})
			}
		}
		heads, template = next, after
	}
	return p.resolve(heads)
}

// placeholder is what ${name} of a template stands for.
func (p *place) placeholder(service, kind, name string) []Resource {
	lower := strings.ToLower(name)
	for _, of := range []string{service + "/" + kind, service} {
		if v, ok := p.table.params[of+" "+lower]; ok {
			return p.call.params.fillValue(v)
		}
	}
	switch name {
	case "Partition":
		return []Resource{{Text: p.call.partition, Certainty: Named}}
	case "Region":
		return headPart(p.call.Region)
	case "Account":
		return headPart(p.call.Account)
	}
	for _, key := range []string{lower, lower + "s"} {
		if texts, ok := p.call.params.texts(key, ""); !ok {
			return nil
		} else if len(texts) > 0 {
			return asNamed(texts)
		}
	}
	return nil
}

// headPart is a Region or account in an ARN.
func headPart(text string) []Resource {
	if text == "" || strings.ContainsAny(text, "*?$:/") {
		return []Resource{{Text: "*", Certainty: Derived}}
	}
	return []Resource{{Text: text, Certainty: Named}}
}

func asNamed(texts []string) []Resource {
	out := make([]Resource, len(texts))
	for i, t := range texts {
		out[i] = Resource{Text: t, Certainty: Named}
	}
	return out
}

// fillValue is what the alternatives of a value come to, all of them.
func (p *params) fillValue(v value) (out []Resource) {
	for _, parts := range v.parts {
		texts := []Resource{{Text: "", Certainty: Named}}
		for _, part := range parts {
			if part.param == "" {
				for i := range texts {
					texts[i].Text += part.text
					if strings.ContainsAny(part.text, "*?") {
						texts[i].Certainty = Derived
					}
				}
				continue
			}
			values, ok := p.texts(part.param, part.modifier)
			if !ok {
				return nil
			}
			texts = cross(texts, values)
			for i := range texts {
				if v.oneOf {
					texts[i].Certainty, texts[i].OneOf = Derived, values[i%len(values)]
				}
			}
		}
		out = append(out, texts...)
	}
	return out
}

func cross(heads []Resource, values []string) []Resource {
	if len(heads)*len(values) > maxPerCall {
		return nil
	}
	out := make([]Resource, 0, len(heads)*len(values))
	for _, h := range heads {
		for _, v := range values {
			out = append(out, Resource{Text: h.Text + v, Certainty: h.Certainty})
		}
	}
	return out
}

// resolve puts the ARNs of IAM entities with their paths in the place of the readings
// of their names, if all of them are known.
func (p *place) resolve(list []Resource) []Resource {
	var out []Resource
	for _, r := range list {
		if r.OneOf == "" {
			return list
		}
		parts, ok := condition.SplitARN(r.Text)
		if !ok || parts[2] != "iam" {
			return list
		}
		kind, _, _ := strings.Cut(parts[5], "/")
		arn, ok := p.known[parts[4]+":"+kind+"/"+r.OneOf]
		if !ok {
			return list
		}
		out = append(out, Resource{Text: escaped(arn)})
	}
	return out
}

// wide is every resource of a type in the account and region of the call.
func (p *place) wide(rt metadata.ResourceType) (out []Resource) {
	for template := range strings.SplitSeq(rt.ARN, ", ") {
		var b strings.Builder
		for template != "" {
			before, rest, ok := strings.Cut(template, "${")
			b.WriteString(before)
			if !ok {
				break
			}
			name, after, _ := strings.Cut(rest, "}")
			switch name {
			case "Partition":
				b.WriteString(p.call.partition)
			case "Region":
				b.WriteString(headPart(p.call.Region)[0].Text)
			case "Account":
				b.WriteString(headPart(p.call.Account)[0].Text)
			default:
				b.WriteByte('*')
			}
			template = after
		}
		out = append(out, Resource{Text: b.String(), Certainty: Derived})
	}
	return out
}

// template fills the template of a table's line; what the request does not have makes
// the resource unknown.
func (p *place) template(text string) []Resource {
	v, err := parseParts(text)
	if err != nil {
		return []Resource{{Text: "*", Certainty: Untold}} // a test parses every template
	}
	for i := range v {
		switch v[i].param {
		case "partition":
			v[i] = part{text: p.call.partition}
		case "region":
			v[i] = part{text: headPart(p.call.Region)[0].Text}
		}
	}
	if out := p.call.params.fillValue(value{parts: [][]part{v}}); len(out) > 0 {
		return out
	}
	return []Resource{{Text: "*", Certainty: Untold}}
}

// shape is the ARN template of a resource type, ready to be compared.
type shape struct {
	name     string
	literals []string // what stands around the placeholders
}

func (p *place) shapesOf(service string) []shape {
	if s, ok := p.shapes[service]; ok {
		return s
	}
	var out []shape
	for _, rt := range metadata.ResourceTypes(service) {
		for template := range strings.SplitSeq(rt.ARN, ", ") {
			s := shape{name: rt.Name}
			for {
				before, rest, ok := strings.Cut(template, "${")
				s.literals = append(s.literals, before)
				if !ok {
					break
				}
				_, template, _ = strings.Cut(rest, "}")
			}
			out = append(out, s)
		}
	}
	p.shapes[service] = out
	return out
}

// typesOf are a service's resource types that an ARN may be of: those whose template
// says most of it.
func (p *place) typesOf(service, arn string) []string {
	key := service + " " + arn
	if types, ok := p.types[key]; ok {
		return types
	}
	var best []string
	most := -1
	for _, s := range p.shapesOf(service) {
		switch weight, ok := s.match(arn); {
		case !ok || weight < most:
		case weight > most:
			best, most = []string{s.name}, weight
		default:
			best = append(best, s.name)
		}
	}
	if p.types == nil {
		p.types = map[string][]string{}
	}
	p.types[key] = best
	return best
}

// match compares an ARN with the template. Placeholders stand for text without : and,
// unless : follows, without /; the last one stands for any. The weight grows with what
// the template says.
func (s shape) match(arn string) (weight int, ok bool) {
	rest, ok := strings.CutPrefix(arn, s.literals[0])
	weight = len(s.literals[0])
	for _, literal := range s.literals[1:] {
		if !ok {
			return 0, false
		}
		if literal == "" {
			// The end, or two placeholders side by side, which no template has.
			return weight, rest != ""
		}
		at := strings.Index(rest, literal)
		if at < 0 || strings.Contains(rest[:at], ":") || literal[0] != ':' && strings.Contains(rest[:at], "/") {
			return 0, false
		}
		rest = rest[at+len(literal):]
		weight += len(literal)
	}
	return weight, ok && rest == ""
}
