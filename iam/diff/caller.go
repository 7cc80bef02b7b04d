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

// maxCallers bounds the callers that are told apart.
const maxCallers = 512

// crowd collects callers, each once.
type crowd struct {
	list   []caller
	seen   map[string]bool
	stands string // of those that are added
}

// callersOf are callers that stand for all: Principal elements name accounts, users,
// roles, sessions, services and providers one by one, so those named and one stranger
// of each kind, in each account named and in another, are every class.
func callersOf(statements []*stmt) []caller {
	c := &crowd{seen: map[string]bool{}}
	partitions := map[string]bool{"aws": true}
	accounts := map[rootkeep.AccountID]bool{}
	var entries []named
	for _, st := range statements {
		for _, p := range []*policy.Principal{st.src.Principal, st.src.NotPrincipal} {
			if p != nil && !p.Anyone {
				entries = append(entries, namedBy(p)...)
			}
		}
		entries = append(entries, namedByTests(st)...)
	}
	for _, e := range entries {
		if a, err := rootkeep.ParseARN(e.text); err == nil {
			partitions[a.Partition] = true
			if len(accounts) < maxCallers/8 {
				accounts[a.Account] = true
			}
		} else if id, err := rootkeep.ParseAccountID(e.text); err == nil && len(accounts) < maxCallers/8 {
			accounts[id] = true
		}
	}
	for _, id := range []rootkeep.AccountID{otherAccount, thirdAccount} {
		if !accounts[id] {
			c.stands = "any account"
			c.account("aws", id)
			break
		}
	}
	for _, e := range entries {
		c.stands = e.text
		c.entry(e)
	}
	for _, id := range sortedKeys(accounts) {
		for _, partition := range sortedKeys(partitions) {
			if _, err := rootkeep.ParseAccountID(string(id)); err == nil {
				c.stands = "account " + string(id)
				c.account(partition, id)
			}
		}
	}
	c.stands = "any service"
	c.add("other.amazonaws.com")
	c.stands = "any identity provider"
	c.add("arn:aws:iam::" + string(otherAccount) + ":oidc-provider/other.example.com")
	c.stands = "anyone, without signing in"
	c.add("*")
	return c.list
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
	if err != nil || strings.ContainsAny(text, "?") || c.seen[text] || len(c.list) >= maxCallers {
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
	d := &sp.dims[callerDim]
	sure, open := newMask(d.size), newMask(d.size)
	for i := range d.callers {
		c := iam.NewContext(d.callers[i].keys)
		switch st.Names(&d.callers[i].Principal, &c) {
		case iam.True:
			sure.set(i)
		case iam.Unknown:
			open.set(i)
		}
	}
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
