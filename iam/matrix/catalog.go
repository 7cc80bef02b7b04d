package matrix

import (
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// catalog is iam/metadata by number: every known action, and the kinds of resource
// that the actions of each service work on, in one account.
type catalog struct {
	*iam.Actions
	services []*service
	byPrefix map[string]*service
	byARN    map[string][]*service // with kinds of this service in the ARN; "" for any

	account   rootkeep.AccountID
	partition string
}

// service is the actions of one service. Its masks hold a bit for each of them, by
// word from the first word of the span on.
type service struct {
	prefix string
	span   action.Span
	*content
	once sync.Once
}

// content is what is read of a service when it is first asked about.
type content struct {
	facts map[int]*metadata.Action // by number
	kinds []*kind
	loose []uint64 // actions without a kind of resource
	joint []uint64 // actions that need a resource of each required kind
}

// kind is one resource type.
type kind struct {
	service *service
	name    string
	shape   region // in any account
	own     region // in the account asked about

	rivals []*kind // of the same service: a resource of one of them is none of this

	required []uint64 // actions that always need such a resource
	optional []uint64 // actions without a required kind that may work on one
}

func newCatalog(account rootkeep.AccountID, partition string) *catalog {
	var names []string
	for _, prefix := range metadata.Services() {
		for _, a := range metadata.Actions(prefix) {
			names = append(names, a.String())
		}
	}
	c := &catalog{Actions: iam.NewActions(names), byPrefix: map[string]*service{}, byARN: map[string][]*service{}, account: account, partition: partition}
	for _, prefix := range metadata.Services() {
		span, ok := c.Service(prefix)
		if !ok {
			continue
		}
		s := &service{prefix: prefix, span: span}
		c.services = append(c.services, s)
		c.byPrefix[prefix] = s
		for _, t := range metadata.ResourceTypes(prefix) {
			at := strings.Split(t.ARN, ":")[2]
			if strings.ContainsAny(at, "$*") {
				at = ""
			}
			if list := c.byARN[at]; len(list) == 0 || list[len(list)-1] != s {
				c.byARN[at] = append(list, s)
			}
		}
	}
	return c
}

// of is what is known of a service.
func (c *catalog) of(s *service) *content {
	s.once.Do(func() {
		s.content = &content{facts: map[int]*metadata.Action{}}
		for _, t := range metadata.ResourceTypes(s.prefix) {
			s.kinds = append(s.kinds, newKind(s, t, c.account, c.partition))
		}
		s.findRivals()
		c.fill(s)
	})
	return s.content
}

// kindsAt lists the kinds whose ARN may name a service.
func (c *catalog) kindsAt(prefix string) (out []*kind) {
	for _, s := range slices.Concat(c.byARN[prefix], c.byARN[""]) {
		out = append(out, c.of(s).kinds...)
	}
	return out
}

func newKind(s *service, t metadata.ResourceType, account rootkeep.AccountID, partition string) *kind {
	return &kind{service: s, name: t.Name, shape: template(t.ARN, "*", partition), own: template(t.ARN, string(account), partition)}
}

// template reads an ARN with placeholders such as ${BucketName}, each of which
// stands for any text.
func template(arn, account, partition string) (r region) {
	for i, part := range strings.SplitN(arn, ":", 6) { // a placeholder holds no colon
		switch {
		case i == 1:
			r[i] = r[i].text(partition)
		case i == 4 && (strings.HasPrefix(part, "${") || part == "*"):
			r[i] = placeholders(account)
		default:
			r[i] = placeholders(part)
		}
	}
	return r
}

func placeholders(part string) (g glob) {
	for {
		before, rest, found := strings.Cut(part, "${")
		for i, text := range strings.Split(before, "*") {
			if i > 0 {
				g = g.star()
			}
			g = g.text(text)
		}
		if !found {
			return g
		}
		g = g.star()
		_, part, _ = strings.Cut(rest, "}")
	}
}

// fill sets the masks of a service and its kinds.
func (c *catalog) fill(s *service) {
	from, to := s.span.Words()
	blank := func() []uint64 { return make([]uint64, to-from) }
	s.loose, s.joint = blank(), blank()
	kinds := map[string]*kind{}
	for _, k := range s.kinds {
		k.required, k.optional = blank(), blank()
		kinds[k.name] = k // a service names each type once
	}
	actions := metadata.Actions(s.prefix)
	for n := range actions {
		a := &actions[n]
		i, ok := c.Find(a.String())
		if !ok {
			continue
		}
		s.facts[i] = a
		word, bit := i/64-from, uint64(1)<<(i%64)
		joint := slices.ContainsFunc(a.Resources, func(r metadata.ActionResource) bool { return r.Required && kinds[r.Type] != nil })
		loose := true
		for _, r := range a.Resources {
			k := kinds[r.Type]
			switch {
			case k == nil:
				continue
			case r.Required:
				k.required[word] |= bit
			case !joint:
				k.optional[word] |= bit
			}
			loose = false
		}
		if loose {
			s.loose[word] |= bit
		}
		if joint {
			s.joint[word] |= bit
		}
	}
}

// about lists the kinds of which an ARN is, over all services.
func (c *catalog) about(arn string) (out []*kind) {
	literal, ok := regionOf(arn, false, &iam.Context{})
	if !ok {
		return nil
	}
	prefix, _ := literal[2].literal()
	for _, k := range c.kindsAt(prefix) {
		if k.is(&literal) {
			out = append(out, k)
		}
	}
	return out
}

// is says whether a resource is of the kind. Of several kinds of a service that fit,
// the one whose template says most counts: an object's ARN fits the template of a
// bucket as well.
func (k *kind) is(arn *region) bool {
	return k.shape.holds(arn) && !slices.ContainsFunc(k.rivals, func(r *kind) bool { return r.shape.holds(arn) })
}

// findRivals finds the kinds of a service whose template says more than that of
// another and fits some of the same resources.
func (s *service) findRivals() {
	for _, k := range s.kinds {
		for _, r := range s.kinds {
			if r.shape.said() <= k.shape.said() {
				continue
			}
			if both, all := k.shape.meet(&r.shape); len(both) > 0 || !all {
				k.rivals = append(k.rivals, r)
			}
		}
	}
}

// said is how many letters of a region are fixed.
func (r *region) said() (n int) {
	for _, g := range r {
		for _, c := range g {
			if c >= 0 {
				n++
			}
		}
	}
	return n
}
