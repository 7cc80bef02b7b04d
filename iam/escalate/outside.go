package escalate

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/policy"
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
	for _, text := range trustedTexts(role.Trust) {
		e, ok := g.entry(role, text)
		if ok && e.certainty != None && !slices.ContainsFunc(out, func(x entry) bool { return x.name == e.name }) {
			out = append(out, e)
		}
	}
	g.entries[role] = out
	return out
}

// trustedTexts are the values of Principal in Allow statements, without services.
func trustedTexts(p *iam.Policy) []string {
	var out []string
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() || s.Principal == nil {
			continue
		}
		if s.Principal.Anyone {
			out = append(out, "*")
		}
		for _, e := range s.Principal.Entries {
			if kind := e.Type.Value; kind == policy.PrincipalAWS || kind == policy.PrincipalFederated {
				out = append(out, e.Values.Values()...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// strangerAccount stands for any account that nobody named.
const strangerAccount = "000000000000"

// entry judges one value of a trust policy's Principal.
func (g *graph) entry(role *account.Identity, text string) (entry, bool) {
	text, e := strings.TrimSpace(text), entry{name: text}
	action := "sts:AssumeRole"
	context := map[string][]string{"aws:CurrentTime": g.o.Context["aws:CurrentTime"], "aws:EpochTime": g.o.Context["aws:EpochTime"]}
	for key, value := range context {
		if len(value) == 0 {
			delete(context, key)
		}
	}
	id := accountID(text)
	if len(text) != 12 || strings.Trim(text, "0123456789") != "" {
		id = accountOf(text)
	}
	switch {
	case text == "*":
		e.kind, e.name = technique.EntryAnyone, "anyone with an AWS account"
		e.principal = stranger(strangerAccount)
	case id != "" && !strings.Contains(text, "-provider/"):
		if id == role.Principal.Account || g.inAccount[text] {
			return entry{}, false
		}
		e.kind = technique.EntryAccount
		if p, err := iam.ParsePrincipal(text); err == nil && p.Kind != iam.Root {
			e.principal = p
		} else {
			e.name, e.principal = "account "+string(id), stranger(id)
		}
	default:
		p, err := iam.ParsePrincipal(text)
		if err != nil || p.Kind != iam.Provider {
			if p.Kind = iam.Provider; !strings.Contains(text, ".") {
				return entry{}, false // a unique ID: of a principal that is gone
			}
			p.ARN = text
		}
		e.principal = p
		if strings.Contains(text, ":saml-provider/") {
			e.kind, action = technique.EntrySAML, "sts:AssumeRoleWithSAML"
			context["SAML:aud"] = []string{"https://signin.aws.amazon.com/saml"}
		} else {
			e.kind, action = technique.EntryOIDC, "sts:AssumeRoleWithWebIdentity"
			audiences(role.Trust, issuer(text), context)
		}
	}
	r := iam.Request{
		Action: action, Resource: role.Principal.ARN, ResourceAccount: role.Principal.Account,
		Principal: e.principal, Context: iam.PartialContext(context), Facts: g.o.Guardrails.Facts(),
	}
	trust, err := g.trustOf(role.Trust)
	if err != nil {
		return entry{}, false
	}
	e.request, e.set = r, trust.full
	e.certainty = g.certaintyOf(trust.full, &r)
	if e.kind == technique.EntryOIDC && e.certainty == Certain {
		e.kind, e.name = technique.EntryAnyone, "anyone with a token of "+issuer(text)
	}
	return e, true
}

func stranger(id accountID) iam.Principal {
	return iam.Principal{Kind: iam.Role, ARN: "arn:aws:iam::" + string(id) + ":role/stranger", Account: id, Name: "stranger"}
}

// issuer is a provider's name in condition keys.
func issuer(text string) string {
	if _, rest, ok := strings.Cut(text, ":oidc-provider/"); ok {
		return rest
	}
	return text
}

// audiences tells the audience that a trust policy asks for: whoever asks for a token
// chooses it. What must not follow is that the subject does not matter either.
func audiences(p *iam.Policy, issuer string, context map[string][]string) {
	key := strings.ToLower(issuer + ":aud")
	for i := range p.Document.Statements {
		c := p.Document.Statements[i].Condition
		if c == nil {
			continue
		}
		for _, block := range c.Blocks {
			for k := range block.Keys {
				if strings.ToLower(block.Keys[k].Key.Value) == key && len(context[key]) == 0 {
					if list := block.Keys[k].Values.Values(); len(list) > 0 {
						context[key] = list[:1]
					}
				}
			}
		}
	}
}
