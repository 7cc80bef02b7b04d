package escalate

import (
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

// entry is one stranger that a role trusts.
type entry struct {
	kind      technique.Entry
	name      string // as printed
	principal iam.Principal
	certainty Certainty
	request   iam.Request
	set       *iam.Set
}

// entriesOf lists the strangers whom a role's trust policy lets in. Their own
// policies are taken to allow everything: nothing here limits them.
func (g *graph) entriesOf(role *account.Identity) []entry {
	if list, ok := g.entries[role]; ok {
		return list
	}
	out := []entry{}
	for _, text := range witness.Trusted(role.Trust) {
		e, ok := g.entry(role, text)
		if ok && e.certainty != None && !slices.ContainsFunc(out, func(x entry) bool { return x.name == e.name }) {
			out = append(out, e)
		}
	}
	g.entries[role] = out
	return out
}

// strangerAccount stands for any account that nobody named.
const strangerAccount = "000000000000"

// entry judges one value of a trust policy's Principal.
func (g *graph) entry(role *account.Identity, text string) (entry, bool) {
	text = strings.TrimSpace(text)
	e, ok := g.named(role, text)
	if !ok {
		return e, false
	}
	context := map[string][]string{}
	for _, key := range []string{"aws:CurrentTime", "aws:EpochTime"} {
		if list := g.o.Context[key]; len(list) > 0 {
			context[key] = list
		}
	}
	action := assumeAction
	switch e.kind {
	case technique.EntryAnyone:
		if own := witness.ConditionValues(role.Trust, "aws:principalaccount"); len(own) > 0 && !slices.ContainsFunc(own, func(id string) bool { return id != string(role.Principal.Account) }) {
			context["aws:PrincipalAccount"] = []string{strangerAccount} // only the account itself is let in
		}
	case technique.EntryAccount:
		if e.principal.ARN == text {
			maps.Copy(context, e.principal.ContextKeys())
		}
	case technique.EntrySAML:
		action = "sts:AssumeRoleWithSAML"
		context["SAML:aud"] = []string{"https://signin.aws.amazon.com/saml"}
	case technique.EntryOIDC:
		action = "sts:AssumeRoleWithWebIdentity"
		witness.Audience(role.Trust, witness.Issuer(text), context)
	}
	var err error
	if e.certainty, e.request, e.set, err = g.trustsPrincipal(role, e.principal, action, context); err != nil {
		return e, false
	}
	if e.kind == technique.EntryOIDC && e.certainty == Certain {
		e.kind, e.name = technique.EntryAnyone, "anyone with a token of "+witness.Issuer(text)
	}
	return e, true
}

// named is the stranger that a value of Principal names; false if it names nobody
// outside the account.
func (g *graph) named(role *account.Identity, text string) (entry, bool) {
	e := entry{name: text}
	id := accountOf(text)
	if isAccountID(text) {
		id = accountID(text)
	}
	switch {
	case text == "*":
		e.kind, e.name, e.principal = technique.EntryAnyone, "anyone with an AWS account", stranger(strangerAccount)
		return e, true
	case strings.Contains(text, ":saml-provider/"):
		e.kind = technique.EntrySAML
	case id == "" && strings.Contains(text, ".") || strings.Contains(text, ":oidc-provider/"):
		e.kind = technique.EntryOIDC
	case id == "" || id == role.Principal.Account || g.inAccount[text]:
		return e, false // a unique ID is of a principal that is gone
	default:
		e.kind = technique.EntryAccount
		if p, err := iam.ParsePrincipal(text); err == nil && p.Kind != iam.Root {
			e.principal = p
		} else {
			e.name, e.principal = "account "+string(id), stranger(id)
		}
		return e, true
	}
	p, err := iam.ParsePrincipal(text)
	if err != nil || p.Kind != iam.Provider {
		p = iam.Principal{Kind: iam.Provider, ARN: text}
	}
	e.principal = p
	return e, true
}

func stranger(id accountID) iam.Principal {
	return iam.Principal{Kind: iam.Role, ARN: "arn:aws:iam::" + string(id) + ":role/stranger", Account: id, Name: "stranger"}
}
