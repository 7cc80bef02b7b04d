package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// caller is one who may make a request, with the context keys that follow from that.
type caller struct {
	iam.Principal
	keys   map[string][]string // by key in lower case
	stands string              // whom it stands for, as a person would say
}

// derived are the keys that follow from the caller; one that a caller does not have is
// absent from its requests.
var derived = [...]string{
	"aws:principalaccount", "aws:principalarn", "aws:principalisawsservice", "aws:principalservicename", "aws:principaltype", "aws:userid", "aws:username",
}

// maxCallers bounds the callers that are told apart. An account makes four.
const maxCallers = 2048

// crowd collects callers, each once.
type crowd struct {
	list   []caller
	seen   map[string]bool
	stands string // of those that are added
	full   bool   // some were left out
}

// callersOf are callers that stand for all: Principal elements name accounts, users,
// roles, sessions, services and providers one by one, so those named and one stranger
// of each kind, in each account named and in another, are every class. Callers that
// conditions name come behind; they are for examples.
func callersOf(statements []*stmt) (list []caller, complete bool) {
	var entries, tests []named
	for _, st := range statements {
		if p := st.principals(); p != nil && !p.Anyone {
			entries = append(entries, namedBy(p)...)
		}
		tests = append(tests, namedByTests(st)...)
	}
	c := &crowd{seen: map[string]bool{}}
	used := accountsOf(slices.Concat(entries, tests))
	for _, id := range []rootkeep.AccountID{otherAccount, thirdAccount, exampleAccount} {
		if !used[id] {
			c.stands = "any account"
			c.account("aws", id)
			break
		}
	}
	c.entries(entries)
	c.stands = "any service"
	c.add("other.amazonaws.com")
	c.stands = "any identity provider"
	c.add("arn:aws:iam::" + string(otherAccount) + ":oidc-provider/other.example.com")
	c.stands = "anyone, without signing in"
	c.add("*")
	complete = !c.full && len(c.list) > 3 && c.list[0].stands == "any account"
	c.entries(tests)
	return c.list, complete
}

// entries adds who is named, and strangers in the same accounts and partitions.
func (c *crowd) entries(list []named) {
	partitions := map[string]bool{"aws": true}
	for _, e := range list {
		c.stands = e.text
		c.entry(e)
		if a, err := rootkeep.ParseARN(e.text); err == nil && a.Partition != "" {
			partitions[a.Partition] = true
		}
	}
	for _, id := range sortedKeys(accountsOf(list)) {
		for _, partition := range sortedKeys(partitions) {
			c.stands = "account " + string(id)
			c.account(partition, id)
		}
	}
}

func accountsOf(list []named) map[rootkeep.AccountID]bool {
	out := map[rootkeep.AccountID]bool{}
	for _, e := range list {
		text := e.text
		if a, err := rootkeep.ParseARN(text); err == nil {
			text = string(a.Account)
		}
		if id, err := rootkeep.ParseAccountID(text); err == nil {
			out[id] = true
		}
	}
	return out
}

func sortedKeys[K ~string](m map[K]bool) []K {
	var out []K
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// named is one value of a Principal element.
type named struct{ kind, text string }

func namedBy(p *policy.Principal) (out []named) {
	for _, e := range p.Entries {
		for _, v := range e.Values.Values() {
			out = append(out, named{e.Type.Value, v})
		}
	}
	return out
}

// namedByTests are callers that conditions name, so that examples have some who pass.
func namedByTests(st *stmt) (out []named) {
	for _, t := range st.Tests() {
		for _, v := range t.Values {
			switch t.LowerKey() {
			case "aws:principalarn":
				parts := strings.SplitN(v, ":", 6)
				if len(parts) == 6 && strings.ContainsAny(parts[4], "*?") {
					parts[4] = string(otherAccount)
				}
				out = append(out, named{policy.PrincipalAWS, strings.NewReplacer("*", "x", "?", "x").Replace(strings.Join(parts, ":"))})
			case "aws:principalaccount":
				out = append(out, named{policy.PrincipalAWS, v})
			case "aws:principalservicename":
				out = append(out, named{policy.PrincipalService, v})
			case "aws:username":
				out = append(out, named{policy.PrincipalAWS, "arn:aws:iam::" + string(otherAccount) + ":user/" + v})
			}
		}
	}
	return out
}

func (c *crowd) add(text string) *caller {
	p, err := iam.ParsePrincipal(text)
	if err != nil || strings.ContainsAny(text, "?") || c.seen[text] {
		return nil
	}
	if len(c.list) >= maxCallers {
		c.full = true
		return nil
	}
	c.seen[text] = true
	out := caller{Principal: p, keys: map[string][]string{}, stands: c.stands}
	for k, v := range p.ContextKeys() {
		out.keys[strings.ToLower(k)] = v
	}
	if p.Kind == iam.RoleSession {
		out.keys["aws:principalarn"] = []string{fmt.Sprintf("arn:%s:iam::%s:role/%s", partitionOf(text), p.Account, p.Name)}
	}
	c.list = append(c.list, out)
	return &c.list[len(c.list)-1]
}

func partitionOf(arn string) string {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return "aws"
	}
	return a.Partition
}

// account adds callers of an account that are not named themselves.
func (c *crowd) account(partition string, id rootkeep.AccountID) {
	at := "arn:" + partition + ":%s::" + string(id) + ":%s"
	c.add(fmt.Sprintf(at, "iam", "user/someone"))
	c.add(fmt.Sprintf(at, "sts", "assumed-role/somerole/session"))
	c.add(fmt.Sprintf(at, "sts", "federated-user/somebody"))
	c.add(fmt.Sprintf(at, "iam", "root"))
}

// entry adds the callers that one value of a Principal element sets apart.
func (c *crowd) entry(e named) {
	if strings.HasPrefix(e.text, "AIDA") || strings.HasPrefix(e.text, "AROA") {
		who := "arn:aws:iam::" + string(otherAccount) + ":user/" + strings.ToLower(e.text)
		id := e.text
		if strings.HasPrefix(id, "AROA") {
			who = "arn:aws:sts::" + string(otherAccount) + ":assumed-role/" + strings.ToLower(e.text) + "/session"
			id += ":session"
		}
		if p := c.add(who); p != nil {
			p.keys["aws:userid"] = []string{id}
		}
		return
	}
	p, err := iam.ParsePrincipal(e.text)
	if err != nil {
		return
	}
	partition := partitionOf(e.text)
	switch p.Kind {
	case iam.Role:
		session := fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/session", partition, p.Account, p.Name)
		if s := c.add(session); s != nil {
			s.keys["aws:principalarn"] = []string{e.text}
		}
	case iam.User:
		c.add(e.text)
		if f := c.add(fmt.Sprintf("arn:%s:sts::%s:federated-user/of-%s", partition, p.Account, p.Name)); f != nil {
			f.Issuer = e.text
		}
	default:
		c.add(e.text)
	}
}

// callerBoxes keep the callers that the statement names.
func (sp *space) callerBoxes(st *stmt, base box, unsure bool) []box {
	if st.src.Principal == nil && st.src.NotPrincipal == nil {
		return []box{base}
	}
	sure, open := st.sure, st.open
	var out []box
	if !sure.empty() {
		out = append(out, base.with(callerDim, sure))
	}
	if open.empty() {
		return out
	}
	switch b := base.with(callerDim, open); {
	case !sp.proof && unsure:
		out = append(out, b)
	case sp.proof:
		texts := append(principalTexts(st.principals()), fmt.Sprint(st.denies))
		out = append(out, b.with(sp.freeDim(fmt.Sprintf("P %q", texts), "whom the Principal names"), yes()))
	}
	return out
}

// judgeCallers works out which callers the statement names, once for all spaces.
func (s *stmt) judgeCallers(callers []caller) {
	s.sure, s.open = newMask(len(callers)), newMask(len(callers))
	for i := range callers {
		c := iam.NewContext(callers[i].keys)
		switch s.Names(&callers[i].Principal, &c) {
		case iam.True:
			s.sure.set(i)
		case iam.Unknown:
			s.open.set(i)
		}
	}
}

func (s *stmt) principals() *policy.Principal {
	if s.src.Principal != nil {
		return s.src.Principal
	}
	return s.src.NotPrincipal
}

// callerValues are the values of a key that the callers have.
func (sp *space) callerValues(key string) (out []string) {
	if sp.proof || !slices.Contains(derived[:], key) {
		return nil
	}
	for _, c := range sp.dims[callerDim].callers {
		if v := c.keys[key]; len(v) == 1 && !slices.Contains(out, v[0]) {
			out = append(out, v[0])
		}
	}
	return out
}

// tieCallers excludes requests whose caller does not have the keys that the request
// says it has.
func (sp *space) tieCallers() {
	d := &sp.dims[callerDim]
	if d.callers[0].ARN == "" {
		return
	}
	for _, key := range derived {
		g := sp.keys[key]
		if g == nil || g.dim == 0 {
			continue
		}
		for i, c := range d.callers {
			if key == "aws:userid" && c.keys[key] == nil && c.Kind != iam.Anonymous {
				continue // it has one, which is not known
			}
			truth := truths(key, g.tests, c.keys[key])
			other := newMask(sp.dims[g.dim].size)
			for cell := range g.truth {
				if g.truth[cell] != truth {
					other.set(cell)
				}
			}
			if !other.empty() {
				who := newMask(d.size)
				who.set(i)
				sp.impossible = append(sp.impossible, box{}.with(callerDim, who).with(g.dim, other))
			}
		}
	}
}
