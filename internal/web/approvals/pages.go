package approvals

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// open reads a folder that the actor may read.
func (a *area) open(ctx context.Context, id string) (*Folder, error) {
	var f *Folder
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		f, err = Open(ctx, r, a.Desk, web.ActorOf(ctx), id, a.Now())
		return err
	})
	return f, err
}

// lead goes on to the page of a request, whatever its kind.
func (a *area) lead(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Redirect(w, r, a.face(f).path(f.ID), "")
}

// issue hands out what the actor is to sign, and goes on to the page that shows it.
func (a *area) issue(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := a.touch(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Issue(ctx, tx, web.ActorOf(ctx), id, approval.Decision(r.FormValue("decision")))
		return err
	})
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/approvals/"+id+"/statement", "")
}

// statement shows what the actor is to sign, to the byte.
func (a *area) statement(w http.ResponseWriter, r *http.Request) error {
	id, actor := r.PathValue("id"), web.ActorOf(r.Context())
	f, err := a.open(r.Context(), id)
	if err != nil {
		return err
	}
	var s *approval.Statement
	var keys []stored.Key
	err = a.view(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		if s, err = approvals.Pending(ctx, read, id, actor.ID); err != nil {
			return err
		}
		keys, err = stored.GoodKeys(ctx, read, actor.ID)
		return err
	})
	of := a.face(f)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return web.Redirect(w, r, of.path(id), "There is no statement that waits for your signature.")
	case err != nil:
		return err
	case s.Content != f.Request.Hash() || !a.Now().Before(s.NotAfter):
		return web.Redirect(w, r, of.path(id), "The statement is too old to be signed: read the request again.")
	case s.Decision == approval.Override: // it is signed on a page of its kind
		return web.Redirect(w, r, of.path(id), "What waits for your signature is an override.")
	}
	v := statementView{Folder: f, face: of, statement: s, prompt: Prompt(a.Desk.Site, keys), actor: actor}
	if v.facts, err = f.Facts(of); err != nil {
		return err
	}
	if n := len(f.Versions); n > 1 {
		if v.changed, err = of.Differences(f.Versions[0].Subject, f.Versions[n-1].Subject); err != nil {
			return err
		}
	}
	title := "Approve " + id
	if s.Decision == approval.Deny {
		title = "Deny " + id
	}
	return web.Show(w, r, title, statementBody(v))
}

// evidence is a folder whose signatures the actor may take away.
func (a *area) evidence(ctx context.Context, id string) (*Folder, error) {
	f, err := a.open(ctx, id)
	if err == nil && !web.ActorOf(ctx).May(people.ReadEvidence, f.Place) {
		err = web.NotFound("such evidence")
	}
	return f, err
}

// record gives a signature as the file that rootkeep approve verify checks.
func (a *area) record(w http.ResponseWriter, r *http.Request) error {
	f, err := a.evidence(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(r.PathValue("version"))
	s := f.signature(version, r.PathValue("approver"))
	if err != nil || s == nil {
		return web.NotFound("such approval")
	}
	body, err := s.Record(f.Versions[s.Version-1], f.Policy).Bytes()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+f.ID+"-"+s.Statement.Approver+`.json"`)
	_, _ = w.Write(body) // the client may be gone
	return nil
}
