// Package proposals is the API of changes that would mend what scans kept here found: by
// the controls and the kinds of change of this server. It asks nobody, and changes
// nothing.
package proposals

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Config is what the area is made of.
type Config struct {
	Store    *store.Store
	Controls []*posture.Control
	Kinds    []*change.Kind
}

type area struct{ Config }

// atOnce bounds how many are worked at: one reads all failures of a scan.
const atOnce = 2

// Area gives the API.
func Area(c Config) (web.Area, error) {
	if c.Store == nil {
		return web.Area{}, errors.New("proposals: a store is required")
	}
	a := &area{c}
	return web.Area{Name: "proposals", API: func(api *web.API) {
		web.Register(api, web.Operation{
			ID: "propose-changes", Method: "GET", Path: "/changes/proposals", Tag: "changes", Need: people.Read, AtOnce: atOnce,
			Summary:     "Which changes would mend what a scan found",
			Description: "Of the newest scan of an account, or of a scan: accounts of it that were scanned again since are named and left out.",
		}, a.propose)
	}}, nil
}

type input struct {
	Account    string `query:"account" pattern:"^[0-9]{12}$" doc:"Number of an account: its newest scan"`
	Scan       string `query:"scan" maxLength:"64" doc:"ID of a scan"`
	Management string `query:"management" pattern:"^[0-9]{12}$" doc:"Number of the management account; the one among the accounts of the scan if it is left out"`
}

type output struct{ Body client.ChangeProposals }

func (a *area) propose(ctx context.Context, in *input) (*output, error) {
	if (in.Account == "") == (in.Scan == "") {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "want an account or a scan")
	}
	out := &output{client.ChangeProposals{Scans: []client.ProposedOf{}, Since: []client.ProposedOf{}}}
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		sight, err := kept.SightOf(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		if err := chosen(ctx, r, sight, in, &out.Body); err != nil {
			return err
		}
		found, err := failures(ctx, r, sight, out.Body.Scans)
		if err != nil {
			return err
		}
		list := proposal.Of(found, a.Controls, a.Kinds, rootkeep.AccountID(in.Management))
		if in.Management == "" && slices.ContainsFunc(list.Proposals, func(p proposal.Proposal) bool { return p.Account == "" }) {
			management, err := managing(ctx, r, out.Body.Scans)
			if err != nil {
				return err
			}
			list = proposal.Of(found, a.Controls, a.Kinds, management)
		}
		out.Body.Proposals, out.Body.People = wire(list)
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, web.NotFound("such scan")
	}
	return out, err
}

// chosen says which scan of which account is meant.
func chosen(ctx context.Context, r *store.Reader, sight kept.Sight, in *input, out *client.ChangeProposals) error {
	ids := []rootkeep.AccountID{rootkeep.AccountID(in.Account)}
	if in.Scan != "" {
		scan, err := kept.ScanOf(ctx, r, sight, in.Scan)
		if err != nil {
			return err
		}
		ids = nil
		for _, x := range scan.Accounts {
			if x.State == kept.Judged {
				ids = append(ids, x.Account)
			}
		}
		if len(ids) == 0 {
			return fmt.Errorf("scan %s judged no account in sight: %w", in.Scan, store.ErrNotFound)
		}
	}
	for _, id := range ids {
		row, err := kept.AccountOf(ctx, r, sight, id)
		if err != nil {
			return err
		}
		of := client.ProposedOf{Account: string(id), Scan: row.Scan, Taken: row.Taken}
		switch {
		case row.Scan == "":
			return fmt.Errorf("account %s was not scanned: %w", id, store.ErrNotFound)
		case in.Scan != "" && row.Scan != in.Scan:
			out.Since = append(out.Since, of)
		default:
			out.Scans = append(out.Scans, of)
		}
	}
	return nil
}

// mostFailures bounds the failures of one answer.
const mostFailures = 50_000

// failures are those that the newest scans of the accounts found.
func failures(ctx context.Context, r *store.Reader, sight kept.Sight, of []client.ProposedOf) ([]rootkeep.Finding, error) {
	var out []rootkeep.Finding
	for _, account := range of {
		f := kept.Filter{Accounts: []rootkeep.AccountID{rootkeep.AccountID(account.Account)}, Statuses: []rootkeep.Status{rootkeep.Fail}}
		for after := ""; ; {
			list, next, err := kept.Findings(ctx, r, sight, f, kept.Page{Sort: kept.ByControl, After: after, Limit: 1000})
			if err != nil {
				return nil, err
			}
			for _, x := range list {
				if x.LastSeen.IsZero() { // others the scan did not judge
					out = append(out, x.Finding)
				}
			}
			if len(out) > mostFailures {
				return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("the scan has more than %d failures; hint: ask for one account", mostFailures))
			}
			if after = next; after == "" {
				break
			}
		}
	}
	return out, nil
}

// managing is the management account among those that were scanned, "" if it is none of
// them, or its facts are not kept any more.
func managing(ctx context.Context, r *store.Reader, of []client.ProposedOf) (rootkeep.AccountID, error) {
	for _, account := range of {
		s, err := kept.Snapshot(ctx, r, account.Scan, rootkeep.AccountID(account.Account))
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return "", err
		case s.Facts.Organization.Management:
			return s.Account, nil
		}
	}
	return "", nil
}

// wire is a list as the API tells it.
func wire(list *proposal.List) ([]client.ChangeProposal, []client.NeedsPerson) {
	proposals, persons := []client.ChangeProposal{}, []client.NeedsPerson{}
	for i := range list.Proposals {
		p := &list.Proposals[i]
		x := client.ChangeProposal{
			Kind: p.Kind, Title: p.Title, Class: p.Class, Risk: p.Risk, Undo: p.Undo, Final: texts(p.Final), Account: string(p.Account), Parameters: p.Parameters,
			Missing: texts(p.Missing), Reason: p.Reason, Severity: p.Severity.String(), Fails: []client.ProposedFailure{},
		}
		for _, f := range p.Fails {
			x.Fails = append(x.Fails, failure(f))
		}
		proposals = append(proposals, x)
	}
	for _, p := range list.People {
		persons = append(persons, client.NeedsPerson{ProposedFailure: failure(p.Failure), Reason: cmp.Or(p.Reason, "no change mends it")})
	}
	return proposals, persons
}

func texts(list []string) []string { return append([]string{}, list...) }

func failure(f proposal.Failure) client.ProposedFailure {
	return client.ProposedFailure{ID: f.ID, Control: f.Control, Title: f.Title, Severity: f.Severity.String(), Account: string(f.Account), Region: string(f.Region), Resource: f.Resource}
}
