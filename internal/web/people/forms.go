package people

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// grantOf reads the scope picker: a role, where, and the ID of a unit or an account.
func grantOf(r *http.Request) (people.Grant, error) {
	role, err := people.ParseRole(r.PostFormValue("role"))
	if err != nil {
		return people.Grant{}, &persons.Fault{Field: "role", Want: err.Error()}
	}
	text, id := r.PostFormValue("where"), strings.TrimSpace(r.PostFormValue("id"))
	switch {
	case text != string(people.Everywhere):
		text += ":" + id
	case id != "": // who named an account did not mean all of them
		return people.Grant{}, &persons.Fault{Field: "id", Want: "leave it empty for all accounts, or choose a unit or one account above"}
	}
	scope, err := people.ParseScope(text)
	if err != nil {
		return people.Grant{}, &persons.Fault{Field: "id", Want: err.Error()}
	}
	return people.Grant{Role: role, Scope: scope}, nil
}

// faulty finds out what of a form is to be filled in again.
func faulty(err error) (persons.Fault, bool) {
	var f *persons.Fault
	if errors.As(err, &f) {
		return *f, true
	}
	return persons.Fault{}, false
}

func (a area) invite(w http.ResponseWriter, r *http.Request) error {
	f := invitation{Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Subject: r.PostFormValue("subject"), Picker: pickerOf(r), Issuer: a.Issuer}
	var grants []people.Grant
	if f.Picker.Role != "" {
		g, err := grantOf(r)
		if fault, ok := faulty(err); ok {
			return a.inviteAgain(w, r, f, fault)
		}
		grants = append(grants, g)
	}
	p, link, err := a.invited(r.Context(), f.Name, f.Email, f.Subject, grants)
	if fault, ok := faulty(err); ok {
		return a.inviteAgain(w, r, f, fault)
	}
	if err != nil {
		return err
	}
	return web.Show(w, r, "Invited", linkBody(p, link, a.Now().Add(persons.InviteLife)))
}

func (a area) inviteAgain(w http.ResponseWriter, r *http.Request, f invitation, fault persons.Fault) error {
	f.Fault = fault
	var err error
	if f.Picker, err = a.offered(r.Context(), f.Picker); err != nil {
		return err
	}
	return web.ShowStatus(w, r, http.StatusUnprocessableEntity, "Invite somebody", inviteBody(f))
}

func (a area) rename(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return a.changed(w, r, "/people/"+id, "Saved.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Rename(ctx, tx, by, id, r.PostFormValue("name"), r.PostFormValue("email"))
	})
}

func (a area) grant(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	g, err := grantOf(r)
	if err == nil {
		err = a.change(r.Context(), func(ctx context.Context, tx *store.Tx, by string) error { return persons.Grant(ctx, tx, by, id, g) })
	}
	if fault, ok := faulty(err); ok {
		return a.showPerson(w, r, http.StatusUnprocessableEntity, pickerOf(r), fault)
	}
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/people/"+id, "The role is granted.")
}

func (a area) revoke(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	g := people.Grant{Role: people.Role(r.PostFormValue("role")), Scope: people.Scope(r.PostFormValue("scope"))}
	return a.changed(w, r, "/people/"+id, "The role is revoked.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Revoke(ctx, tx, by, id, g)
	})
}

func (a area) suspend(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return a.changed(w, r, "/people/"+id, "Suspended: every session and pass has ended.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Suspend(ctx, tx, by, id)
	})
}

func (a area) restore(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return a.changed(w, r, "/people/"+id, "Restored.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Restore(ctx, tx, by, id)
	})
}

func (a area) link(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	link, err := a.linked(r.Context(), id)
	if err != nil {
		return err
	}
	return a.showLink(w, r, id, link)
}

func (a area) showLink(w http.ResponseWriter, r *http.Request, id, link string) error {
	var p persons.Person
	err := a.Store.View(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		p, err = persons.Get(ctx, read, id)
		return err
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "A link that enrols a key", linkBody(p, link, a.Now().Add(persons.InviteLife)))
}

func (a area) identify(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := a.change(r.Context(), func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Identify(ctx, tx, by, id, a.Issuer, r.PostFormValue("subject"))
	})
	if fault, ok := faulty(err); ok {
		return a.showPerson(w, r, http.StatusUnprocessableEntity, picker{}, fault)
	}
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/people/"+id, "The identity is linked.")
}

func (a area) unidentify(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	i := persons.Identity{Issuer: r.PostFormValue("issuer"), Subject: r.PostFormValue("subject")}
	return a.changed(w, r, "/people/"+id, "The identity is unlinked, and its sessions have ended.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Unidentify(ctx, tx, by, id, i)
	})
}

func (a area) endSessions(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return a.changed(w, r, "/people/"+id, "All sessions and passes have ended.", func(ctx context.Context, tx *store.Tx, by string) error {
		_, err := persons.EndSessions(ctx, tx, by, id, "")
		return err
	})
}

func (a area) revokeKey(w http.ResponseWriter, r *http.Request) error {
	id, key := r.PathValue("id"), r.PathValue("key")
	return a.changed(w, r, "/people/"+id, "The key is revoked, and the sessions in which it was used have ended.", func(ctx context.Context, tx *store.Tx, by string) error {
		return revokedKey(ctx, tx, by, id, key)
	})
}

func (a area) acknowledge(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return a.changed(w, r, "/people/"+id, "Noted that you know of it.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.Acknowledge(ctx, tx, by, id)
	})
}

func (a area) issueToken(w http.ResponseWriter, r *http.Request) error {
	f := tokenForm{Name: r.PostFormValue("name"), Days: r.PostFormValue("days"), Picker: pickerOf(r)}
	days, err := strconv.Atoi(f.Days)
	if err != nil || days > 366 {
		return a.showTokens(w, r, http.StatusUnprocessableEntity, f, persons.Fault{Field: "days", Want: "want a number of days, at most 366"})
	}
	g, err := grantOf(r)
	var t persons.Token
	var secret persons.Secret
	if err == nil {
		err = a.change(r.Context(), func(ctx context.Context, tx *store.Tx, by string) (err error) {
			t, secret, err = persons.IssueToken(ctx, tx, by, f.Name, []people.Grant{g}, time.Duration(days)*24*time.Hour)
			return err
		})
	}
	if fault, ok := faulty(err); ok {
		return a.showTokens(w, r, http.StatusUnprocessableEntity, f, fault)
	}
	if err != nil {
		return err
	}
	return web.Show(w, r, "A new token", tokenBody(t, secret.Reveal()))
}

func (a area) revokeToken(w http.ResponseWriter, r *http.Request) error {
	return a.changed(w, r, "/tokens", "The token is revoked.", func(ctx context.Context, tx *store.Tx, by string) error {
		return persons.RevokeToken(ctx, tx, by, r.PathValue("id"))
	})
}
