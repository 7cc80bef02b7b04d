// Package caller lists callers that stand for all whom policies can tell apart: who is
// named, and strangers. Principal elements and conditions go in.
package caller

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Caller is one who may make a request, with the context keys that follow from that.
type Caller struct {
	iam.Principal
	Keys   map[string][]string // by key in lower case
	Stands string              // whom it stands for, as a person would say
}

// Derived are the keys that follow from the caller; one that a caller does not have is
// absent from its requests.
var Derived = [...]string{
	"aws:principalaccount", "aws:principalarn", "aws:principalisawsservice", "aws:principalservicename", "aws:principaltype", "aws:userid", "aws:username",
}

// Statement is what of a statement tells callers apart: its Principal or NotPrincipal,
// nil if it has neither, and its conditions.
type Statement struct {
	Principal *policy.Principal
	Tests     []condition.Test
}

// Accounts of callers; the numbers are those of AWS's documentation.
const (
	Example      = rootkeep.AccountID("111122223333")
	otherAccount = rootkeep.AccountID("444455556666")
	thirdAccount = rootkeep.AccountID("999999999999")
)

// maxCallers bounds the callers that are told apart. An account makes four.
const maxCallers = 2048

// crowd collects callers, each once.
type crowd struct {
	list   []Caller
	seen   map[string]bool
	stands string // of those that are added
	full   bool   // some were left out
}

// Of are callers that stand for all: Principal elements name accounts, users,
// roles, sessions, services and providers one by one, so those named and one stranger
// of each kind, in each account named and in another, are every class. Callers that
// conditions name come behind; they are for examples.
func Of(statements []Statement) (list []Caller, complete bool) {
	var entries, tests []named
	for _, st := range statements {
		if p := st.Principal; p != nil && !p.Anyone {
			entries = append(entries, namedBy(p)...)
		}
		tests = append(tests, namedByTests(st)...)
	}
	c := &crowd{seen: map[string]bool{}}
	used := accountsOf(slices.Concat(entries, tests))
	for _, id := range []rootkeep.AccountID{otherAccount, thirdAccount, Example} {
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
	complete = !c.full && len(c.list) > 3 && c.list[0].Stands == "any account"
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
func namedByTests(st Statement) (out []named) {
	for i := range st.Tests {
		t := &st.Tests[i]
		for _, v := range t.Values {
			switch t.LowerKey() {
			case "aws:principalarn":
				parts := strings.SplitN(v, ":", 6)
				if len(parts) == 6 && strings.ContainsAny(parts[4], "*?") {
					parts[4] = string(thirdAccount)
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

func (c *crowd) add(text string) *Caller {
	p, err := iam.ParsePrincipal(text)
	if err != nil || strings.ContainsAny(text, "?") || c.seen[text] {
		return nil
	}
	if len(c.list) >= maxCallers {
		c.full = true
		return nil
	}
	c.seen[text] = true
	out := Caller{Principal: p, Keys: map[string][]string{}, Stands: c.stands}
	for k, v := range p.ContextKeys() {
		out.Keys[strings.ToLower(k)] = v
	}
	if p.Kind == iam.RoleSession {
		out.Keys["aws:principalarn"] = []string{fmt.Sprintf("arn:%s:iam::%s:role/%s", partitionOf(text), p.Account, p.Name)}
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
			p.Keys["aws:userid"] = []string{id}
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
			s.Keys["aws:principalarn"] = []string{e.text}
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
