package posture

import (
	"context"
	"net/http"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/posture/intake"
)

// Paging is web.Paging for lists whose cursors hold names from AWS.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"4096" doc:"Cursor of the page, as the page before gave it in next; none for the first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"Most items of a page"`
}

type findingsIn struct {
	Filter
	Paging
}

type accountsIn struct {
	Paging
	Unit   string `query:"unit" maxLength:"80" doc:"Only accounts below this root or organizational unit"`
	Text   string `query:"q" maxLength:"200" doc:"Only with this text in number, name or alias"`
	Unread string `query:"unread" enum:"yes" doc:"yes: only those that the newest scan could not read"`
}

type idIn struct {
	ID string `path:"id" maxLength:"200" doc:"ID"`
}

// answer is a body.
type answer[T any] struct{ Body T }

func (a *area) register(api *web.API) {
	read := func(id, path, summary string) web.Operation {
		return web.Operation{ID: id, Method: "GET", Path: path, Tag: "posture", Need: people.Read, Summary: summary}
	}
	web.Register(api, read("list-findings", "/findings", "List findings"), a.apiFindings)
	web.Register(api, read("get-finding", "/findings/{id}", "Read a finding, with the facts that it rests on"), a.apiFinding)
	web.Register(api, read("list-accounts", "/accounts", "List accounts, those with most risk first"), a.apiAccounts)
	web.Register(api, read("get-account", "/accounts/{id}", "Read an account"), a.apiAccount)
	web.Register(api, read("list-controls", "/controls", "List controls with what they came to"), a.apiControls)
	web.Register(api, read("get-control", "/controls/{id}", "Read a control"), a.apiControl)
	web.Register(api, read("list-frameworks", "/frameworks", "List frameworks with their clauses by status"), a.apiFrameworks)
	web.Register(api, read("get-framework", "/frameworks/{id}", "Read a framework: each clause with its controls and what they came to"), a.apiFramework)
	web.Register(api, read("list-scans", "/scans", "List scans, the newest first"), a.apiScans)
	web.Register(api, read("get-scan", "/scans/{id}", "Read a scan with its accounts"), a.apiScan)
	web.Register(api, web.Operation{
		ID: "start-scan", Method: "POST", Path: "/scans", Tag: "posture", Need: people.Operate, Status: http.StatusAccepted, Summary: "Have the server scan",
		Description: "The server reads AWS with its own credentials, so this needs the permission on the whole organization.",
	}, a.apiStart)
	(&intake.Intake{Store: a.Store, Version: a.Version, Now: a.Now, Kind: a.JudgeKind, Wake: a.Wake}).Register(api)
}

func (a *area) apiFindings(ctx context.Context, in *findingsIn) (*answer[client.Page[client.Finding]], error) {
	f, order, err := a.filter(in.Filter)
	if err != nil {
		return nil, err
	}
	out := client.Page[client.Finding]{Items: []client.Finding{}}
	err = a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		list, next, err := kept.Findings(ctx, tx, sight, f, kept.Page{Sort: order, After: in.Cursor, Limit: in.Limit})
		for _, one := range list {
			out.Items = append(out.Items, wireFinding(one))
		}
		out.Next = next
		return err
	})
	return &answer[client.Page[client.Finding]]{out}, notThere("such list", err)
}

func (a *area) apiFinding(ctx context.Context, in *idIn) (*answer[client.FindingDetail], error) {
	v, err := a.readFinding(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &answer[client.FindingDetail]{wireDetail(v)}, nil
}

func (a *area) apiAccounts(ctx context.Context, in *accountsIn) (*answer[client.Page[client.Account]], error) {
	out := client.Page[client.Account]{Items: []client.Account{}}
	f := kept.AccountFilter{Unit: in.Unit, Text: in.Text, Unread: in.Unread != ""}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		list, next, err := kept.Accounts(ctx, tx, sight, f, kept.Page{After: in.Cursor, Limit: in.Limit})
		for _, one := range list {
			out.Items = append(out.Items, wireAccount(one))
		}
		out.Next = next
		return err
	})
	return &answer[client.Page[client.Account]]{out}, notThere("such list", err)
}

func (a *area) apiAccount(ctx context.Context, in *idIn) (*answer[client.Account], error) {
	var out client.Account
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		row, err := kept.AccountOf(ctx, tx, sight, rootkeep.AccountID(in.ID))
		if err == nil {
			out = wireAccount(row)
		}
		return err
	})
	return &answer[client.Account]{out}, notThere("such account", err)
}

func (a *area) apiControls(ctx context.Context, _ *struct{}) (*answer[client.Page[client.Control]], error) {
	out := client.Page[client.Control]{Items: []client.Control{}}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		all, err := a.counts(ctx, tx, sight, kept.Filter{})
		for _, c := range all {
			out.Items = append(out.Items, wireControl(c))
		}
		return err
	})
	return &answer[client.Page[client.Control]]{out}, err
}

func (a *area) apiControl(ctx context.Context, in *idIn) (*answer[client.Control], error) {
	v, err := a.readControl(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &answer[client.Control]{wireControl(v.judged)}, nil
}

func (a *area) apiFrameworks(ctx context.Context, _ *struct{}) (*answer[client.Page[client.Framework]], error) {
	c, err := a.cover(ctx, a.Frameworks)
	if err != nil {
		return nil, err
	}
	out := client.Page[client.Framework]{Items: []client.Framework{}}
	for _, f := range c.Coverages {
		one := client.Framework{ID: f.ID, Name: f.Name, Version: f.Version, Owner: f.Owner, Counts: map[string]int{}}
		for status, n := range f.Counts {
			one.Counts[string(status)] = n
		}
		out.Items = append(out.Items, one)
	}
	return &answer[client.Page[client.Framework]]{out}, nil
}

func (a *area) apiFramework(ctx context.Context, in *idIn) (*answer[framework.Coverage], error) {
	f := framework.Find(a.Frameworks, in.ID)
	if f == nil {
		return nil, web.NotFound("such framework")
	}
	c, err := a.cover(ctx, []*framework.Framework{f})
	if err != nil {
		return nil, err
	}
	return &answer[framework.Coverage]{c.Coverages[0]}, nil
}

func (a *area) apiScans(ctx context.Context, in *struct{ Paging }) (*answer[client.Page[client.Scan]], error) {
	out := client.Page[client.Scan]{Items: []client.Scan{}}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		list, next, err := kept.Scans(ctx, tx, sight, kept.Page{After: in.Cursor, Limit: in.Limit})
		for _, one := range list {
			out.Items = append(out.Items, wireScan(one))
		}
		out.Next = next
		return err
	})
	return &answer[client.Page[client.Scan]]{out}, notThere("such list", err)
}

func (a *area) apiScan(ctx context.Context, in *idIn) (*answer[client.Scan], error) {
	var out client.Scan
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		s, err := kept.ScanOf(ctx, tx, sight, in.ID)
		if err == nil {
			out = wireScan(s)
		}
		return err
	})
	return &answer[client.Scan]{out}, notThere("such scan", err)
}

func (a *area) apiStart(ctx context.Context, in *struct{ Body client.NewScan }) (*answer[client.Job], error) {
	j, err := a.start(ctx, in.Body.Settings)
	if err != nil {
		return nil, err
	}
	return &answer[client.Job]{client.Job{ID: j.ID, Kind: j.Kind, State: string(j.State), Payload: j.Payload, RunAt: j.RunAt, Created: j.Created}}, nil
}
