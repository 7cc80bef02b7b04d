package people

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/signin/parts"
)

type (
	personInput struct {
		ID string `path:"id" maxLength:"40"`
	}
	peopleInput struct {
		web.Paging
		Text  string `query:"q" maxLength:"254" doc:"In the name or the e-mail address"`
		State string `query:"state" enum:"active,suspended"`
		Role  string `query:"role" enum:"viewer,requester,approver,custodian,responder,auditor,admin" doc:"Held anywhere"`
	}
	inviteInput struct{ Body client.Invitation }
	grantInput  struct {
		ID   string `path:"id" maxLength:"40"`
		Body client.Grant
	}
	revokeInput struct {
		ID    string `path:"id" maxLength:"40"`
		Role  string `query:"role" required:"true" enum:"viewer,requester,approver,custodian,responder,auditor,admin"`
		Scope string `query:"scope" required:"true" maxLength:"80"`
	}
	tokenInput struct{ Body client.TokenRequest }
	none       struct{}

	personOutput  struct{ Body client.Person }
	peopleOutput  struct{ Body client.Page[client.Person] }
	invitedOutput struct{ Body client.Invited }
	linkOutput    struct{ Body client.Link }
	tokensOutput  struct{ Body client.Page[client.Token] }
	issuedOutput  struct{ Body client.Issued }
)

// api registers the operations. What changes somebody's rights asks for a key, so no
// machine calls it: a person does, with a pass from their account page.
func (a area) api(api *web.API) {
	read := func(id, path, summary string) web.Operation {
		return web.Operation{ID: id, Method: "GET", Path: path, Summary: summary, Tag: "people", Need: people.Read}
	}
	change := func(id, method, path, summary string) web.Operation {
		return web.Operation{ID: id, Method: method, Path: path, Summary: summary, Tag: "people", Need: people.ManagePeople, Fresh: true}
	}
	web.Register(api, read("list-people", "/people", "Who may sign in"), a.apiList)
	web.Register(api, read("get-person", "/people/{id}", "A person with roles and keys"), a.apiGet)
	web.Register(api, secret(change("invite-person", "POST", "/people", "Invite somebody; the link that enrols their first key is told once")), a.apiInvite)
	web.Register(api, change("grant-role", "POST", "/people/{id}/grants", "Grant a role"), a.apiGrant)
	web.Register(api, change("revoke-role", "DELETE", "/people/{id}/grants", "Revoke a role"), a.apiRevoke)
	web.Register(api, change("suspend-person", "POST", "/people/{id}/suspend", "Keep somebody out, and end their sessions"), a.apiPerson(persons.Suspend))
	web.Register(api, change("restore-person", "POST", "/people/{id}/restore", "Let somebody in again"), a.apiPerson(persons.Restore))
	web.Register(api, secret(change("make-link", "POST", "/people/{id}/link", "Make a link that enrols one more key; it is told once")), a.apiLink)
	web.Register(api, change("revoke-key", "DELETE", "/keys/{id}", "Revoke a security key"), a.apiRevokeKey)
	web.Register(api, read("list-tokens", "/tokens", "Machine tokens, newest first"), a.apiTokens)
	web.Register(api, secret(change("issue-token", "POST", "/tokens", "Make a machine token; its secret is told once")), a.apiIssue)
	web.Register(api, change("revoke-token", "DELETE", "/tokens/{id}", "Revoke a machine token"), a.apiRevokeToken)
}

// secret marks an operation whose answer is kept for no Idempotency-Key.
func secret(o web.Operation) web.Operation {
	o.Secret = true
	return o
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a area) wire(p persons.Person, grants []people.Grant, keys []persons.Key) client.Person {
	out := client.Person{ID: p.ID, Name: p.Name, Email: p.Email, State: string(p.State), Created: p.Created, Grants: signin.Grants(grants), Keys: []client.Key{}}
	for _, k := range a.SignIn.Keys(keys) {
		out.Keys = append(out.Keys, client.Key{
			ID: k.ID, Name: k.Name, AAGUID: k.AAGUID, Model: k.Model, Attestation: parts.Attestation(k.Key), Synced: k.BackupEligible,
			Created: k.Created, Used: optional(k.Used), Revoked: optional(k.Revoked),
		})
	}
	return out
}

func wireToken(t persons.Token) client.Token {
	return client.Token{
		ID: t.ID, Prefix: t.Prefix, Name: t.Name, Grants: signin.Grants(t.Grants), Creator: t.Creator, Created: t.Created, Expires: t.Expires,
		Used: optional(t.Used), Revoked: optional(t.Revoked),
	}
}

func grantsOf(wire []client.Grant) []people.Grant {
	out := make([]people.Grant, len(wire))
	for i, g := range wire {
		out[i] = people.Grant{Role: people.Role(g.Role), Scope: people.Scope(g.Scope)}
	}
	return out
}

// apiList lists persons; their keys are told one person at a time.
func (a area) apiList(ctx context.Context, in *peopleInput) (*peopleOutput, error) {
	if err := see(ctx); err != nil {
		return nil, err
	}
	found, err := a.list(ctx, persons.Filter{Text: in.Text, State: persons.State(in.State), Role: people.Role(in.Role)}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &peopleOutput{client.Page[client.Person]{Items: []client.Person{}, Next: found.Next}}
	err = a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		for _, p := range found.Items {
			keys, err := persons.GoodKeys(ctx, r, p.ID)
			if err != nil {
				return err
			}
			out.Body.Items = append(out.Body.Items, a.wire(p.Person, p.Grants, keys))
		}
		return nil
	})
	return out, err
}

func (a area) apiGet(ctx context.Context, in *personInput) (*personOutput, error) {
	if err := see(ctx); err != nil {
		return nil, err
	}
	return a.person(ctx, in.ID)
}

func (a area) person(ctx context.Context, id string) (*personOutput, error) {
	var p whole
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		p, err = a.whole(ctx, r, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &personOutput{a.wire(p.Person, p.Grants, p.Keys)}, nil
}

func (a area) apiInvite(ctx context.Context, in *inviteInput) (*invitedOutput, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	grants := grantsOf(in.Body.Grants)
	p, link, err := a.invited(ctx, in.Body.Name, in.Body.Email, in.Body.Subject, grants)
	if err != nil {
		return nil, signin.Told(err)
	}
	return &invitedOutput{client.Invited{Person: a.wire(p, grants, nil), Link: link}}, nil
}

func (a area) apiGrant(ctx context.Context, in *grantInput) (*personOutput, error) {
	g := people.Grant{Role: people.Role(in.Body.Role), Scope: people.Scope(in.Body.Scope)}
	return a.apiChange(ctx, in.ID, func(ctx context.Context, tx *store.Tx, by string) error { return persons.Grant(ctx, tx, by, in.ID, g) })
}

func (a area) apiRevoke(ctx context.Context, in *revokeInput) (*personOutput, error) {
	g := people.Grant{Role: people.Role(in.Role), Scope: people.Scope(in.Scope)}
	return a.apiChange(ctx, in.ID, func(ctx context.Context, tx *store.Tx, by string) error { return persons.Revoke(ctx, tx, by, in.ID, g) })
}

// apiPerson is an operation on a person that takes nothing else.
func (a area) apiPerson(do func(context.Context, *store.Tx, string, string) error) func(context.Context, *personInput) (*personOutput, error) {
	return func(ctx context.Context, in *personInput) (*personOutput, error) {
		return a.apiChange(ctx, in.ID, func(ctx context.Context, tx *store.Tx, by string) error { return do(ctx, tx, by, in.ID) })
	}
}

// apiChange makes a change, and gives the person as they are afterwards.
func (a area) apiChange(ctx context.Context, id string, change func(context.Context, *store.Tx, string) error) (*personOutput, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	if err := a.change(ctx, change); err != nil {
		return nil, signin.Told(err)
	}
	return a.person(ctx, id)
}

func (a area) apiLink(ctx context.Context, in *personInput) (*linkOutput, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	link, err := a.linked(ctx, in.ID)
	if err != nil {
		return nil, signin.Told(err)
	}
	return &linkOutput{client.Link{Link: link}}, nil
}

func (a area) apiRevokeKey(ctx context.Context, in *personInput) (*none, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	return nil, signin.Told(a.change(ctx, func(ctx context.Context, tx *store.Tx, by string) error { return revokedKey(ctx, tx, by, "", in.ID) }))
}

func (a area) apiTokens(ctx context.Context, in *web.Paging) (*tokensOutput, error) {
	if err := see(ctx); err != nil {
		return nil, err
	}
	found, err := a.tokens(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &tokensOutput{client.Page[client.Token]{Items: []client.Token{}, Next: found.Next}}
	for _, t := range found.Items {
		out.Body.Items = append(out.Body.Items, wireToken(t))
	}
	return out, nil
}

func (a area) apiIssue(ctx context.Context, in *tokenInput) (*issuedOutput, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	var t persons.Token
	var secret persons.Secret
	err := a.change(ctx, func(ctx context.Context, tx *store.Tx, by string) (err error) {
		t, secret, err = persons.IssueToken(ctx, tx, by, in.Body.Name, grantsOf(in.Body.Grants), time.Duration(in.Body.Days)*24*time.Hour)
		return err
	})
	if err != nil {
		return nil, signin.Told(err)
	}
	return &issuedOutput{client.Issued{Token: wireToken(t), Secret: secret.Reveal()}}, nil
}

func (a area) apiRevokeToken(ctx context.Context, in *personInput) (*none, error) {
	if err := keep(ctx); err != nil {
		return nil, err
	}
	return nil, signin.Told(a.change(ctx, func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.RevokeToken(ctx, tx, by, in.ID)
	}))
}
