package rootless

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
)

// dossier is all that is known of a request over all members.
type dossier struct {
	request  *stored.Request // nil while it is planned
	order    *order
	list     []*changes.Change
	batch    *changes.Batch // nil likewise
	status   *Status
	audits   map[rootkeep.AccountID]Holding // the newest of each account
	unseen   map[rootkeep.AccountID]bool    // the actor may not read them: they are counted by the proof, and not told
	planning *job.Job
	applying *job.Job
	proving  *job.Job
}

// Report says where the accounts of a request are. While it is planned it is for who asks.
func (r *Runner) Report(ctx context.Context, actor people.Actor, request string) (*client.RootlessStatus, error) {
	var d *dossier
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) (err error) {
		d, err = r.dossier(ctx, read, actor, request)
		return err
	})
	if err != nil {
		return nil, told(err)
	}
	return d.wire(request, actor, r.Engine.Now())
}

func (r *Runner) dossier(ctx context.Context, read *store.Reader, actor people.Actor, request string) (*dossier, error) {
	d := &dossier{audits: map[rootkeep.AccountID]Holding{}}
	var err error
	if d.planning, err = newest(ctx, read, PlanKind, request); err != nil {
		return nil, err
	}
	d.request, err = r.Root.Get(ctx, read, actor, request, r.Engine.Now())
	if errors.Is(err, store.ErrNotFound) {
		return d, d.waits(actor, request)
	}
	if err != nil {
		return nil, err
	}
	if d.order, err = orderOf(ctx, read, d.request); err != nil {
		return nil, err
	}
	list, proofs, err := r.facts(ctx, read, actor, request)
	if err != nil {
		return nil, err
	}
	d.list = list
	if d.status, err = r.status(ctx, read, list, proofs); err != nil {
		return nil, err
	}
	for _, h := range proofs {
		d.audits[h.Account] = h
	}
	if err := r.hide(ctx, read, actor, d); err != nil {
		return nil, err
	}
	return d, r.work(ctx, read, actor, d, request)
}

// hide finds the accounts beside those of the request that the actor may not read.
func (r *Runner) hide(ctx context.Context, read *store.Reader, actor people.Actor, d *dossier) error {
	accounts := slices.Collect(maps.Keys(d.audits))
	for i := range d.order.Left {
		accounts = append(accounts, d.order.Left[i].Account)
	}
	d.unseen = map[rootkeep.AccountID]bool{}
	for _, account := range accounts {
		place, err := r.Root.Place(ctx, read, account)
		if err != nil {
			return err
		}
		d.unseen[account] = !actor.May(people.Read, place)
	}
	return nil
}

// waits is the request that a job will make: only who asked sees it.
func (d *dossier) waits(actor people.Actor, request string) error {
	var w planJob
	if d.planning == nil || json.Unmarshal(d.planning.Payload, &w) != nil || w.Actor != actor.ID {
		return fmt.Errorf("request %s: %w", request, store.ErrNotFound)
	}
	d.order, d.status = &w.Order, &Status{}
	return nil
}

// work reads the batch and the jobs.
func (r *Runner) work(ctx context.Context, read *store.Reader, actor people.Actor, d *dossier, request string) (err error) {
	if d.proving, err = newest(ctx, read, ProveKind, request); err != nil {
		return err
	}
	i := slices.IndexFunc(d.list, func(c *changes.Change) bool { return c.Batch != "" })
	if i < 0 {
		return nil
	}
	if d.batch, _, err = r.Engine.Desk.GetBatch(ctx, read, actor, d.list[i].Batch, r.Engine.Now()); err != nil {
		return err
	}
	d.applying, err = newest(ctx, read, alter.BatchKind, d.batch.ID)
	return err
}

// orderOf is the order of a request as the ledger has it; of one that was asked for by
// accounts, that of its changes.
func orderOf(ctx context.Context, r *store.Reader, x *stored.Request) (*order, error) {
	if x.Asked.Task != TaskID || x.Asked.Path != access.Assumed {
		return nil, web.Refuse(http.StatusConflict, "rootless-not", "request "+x.ID+" does not take root users their credentials; hint: rootkeep root show "+x.ID)
	}
	var out *order
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		out = &order{}
		return json.Unmarshal(text, out)
	}, `SELECT p.data FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE e.subject = $1 AND e.type = 'root.ordered' AND p.name = 'order' AND p.data IS NOT NULL ORDER BY e.n`, x.ID)
	if err != nil {
		return nil, fmt.Errorf("read the order of %s: %w", x.ID, err)
	}
	if out == nil {
		out = &order{Left: []beside{}}
		for _, c := range x.Asked.Changes {
			out.Steps = append(out.Steps, placed{Account: c.Account, Change: c.ID})
		}
	}
	return out, nil
}

// wire is the dossier as the API tells it.
func (d *dossier) wire(request string, actor people.Actor, now time.Time) (*client.RootlessStatus, error) {
	out := &client.RootlessStatus{
		Request: request, State: "planning", Now: now, Planning: workOf(d.planning), Applying: workOf(d.applying), Proving: workOf(d.proving),
		Accounts: []client.RootlessLine{}, Count: map[string]int{}, May: []string{},
	}
	if d.request != nil {
		out.State = string(d.request.State)
	}
	if d.batch != nil {
		out.Batch, out.Halted = d.batch.ID, d.batch.Halted
	}
	lines := d.lines()
	for _, l := range lines {
		out.Count[l.Word]++
	}
	out.Accounts = append(out.Accounts, lines...)
	var err error
	if out.Proof, err = d.proof(); err != nil {
		return nil, err
	}
	out.May = d.may(actor)
	out.Next = d.next(out)
	return out, nil
}

func workOf(j *job.Job) *client.RootlessWork {
	if j == nil {
		return nil
	}
	return &client.RootlessWork{Job: j.ID, State: string(j.State), Progress: j.Progress, Error: j.Error, Asked: j.Created, Ended: j.Ended}
}

// lines are the accounts in their order, then those that were left out, then those that
// only a proof has read, without those out of the actor's sight.
func (d *dossier) lines() []client.RootlessLine {
	var out []client.RootlessLine
	seen := map[rootkeep.AccountID]bool{}
	for _, s := range d.order.Steps {
		l := client.RootlessLine{Account: string(s.Account), Name: s.Name, Change: s.Change, Canary: s.Canary, Word: string(Waits), Why: "it is read and planned", Had: s.Had}
		for _, of := range d.status.Lines {
			if of.Account == s.Account {
				l.Change, l.Word, l.Why = of.Change, string(of.Word), of.Why
			}
		}
		d.read(&l, s.Account)
		out, seen[s.Account] = append(out, l), true
	}
	for _, b := range d.order.Left {
		if d.unseen[b.Account] {
			continue
		}
		l := client.RootlessLine{Account: string(b.Account), Name: b.Name, Word: string(b.word()), Why: b.Why}
		d.read(&l, b.Account)
		d.judge(&l, b.Account)
		out, seen[b.Account] = append(out, l), true
	}
	var more []client.RootlessLine
	for account := range d.audits {
		if seen[account] || d.unseen[account] {
			continue
		}
		l := client.RootlessLine{Account: string(account)}
		d.read(&l, account)
		d.judge(&l, account)
		more = append(more, l)
	}
	slices.SortFunc(more, func(a, b client.RootlessLine) int { return cmp.Compare(a.Account, b.Account) })
	return append(out, more...)
}

// word is where an account that was left out is, before it was read again.
func (b *beside) word() Word {
	switch {
	case b.Refused:
		return Refused
	case b.Unknown:
		return NotKnown
	}
	return LeftAlone
}

// read says what the newest audit of an account found.
func (d *dossier) read(l *client.RootlessLine, account rootkeep.AccountID) {
	if h, there := d.audits[account]; there {
		l.Has, l.Read = h.String(), h.At
	}
}

// judge says what the newest audit makes of an account that no change is of.
func (d *dossier) judge(l *client.RootlessLine, account rootkeep.AccountID) {
	h, there := d.audits[account]
	switch {
	case !there:
	case h.Unknown != "":
		l.Word, l.Why = string(NotKnown), h.Unknown
	case h.Absent():
		l.Word, l.Why = string(Proven), "it had nothing to be taken"
	case l.Word != string(Refused):
		l.Word, l.Why = string(Holds), "its root user has "+h.String()+"; hint: rootkeep root rootless request --accounts "+l.Account
	}
}

// proof is what the newest proof that was done comes to, nil if there is none. Every answer
// that counts was given after it was asked for.
func (d *dossier) proof() (*client.RootlessProof, error) {
	if d.proving == nil || d.proving.State != job.Done {
		return nil, nil
	}
	var w proveJob
	if err := json.Unmarshal(d.proving.Payload, &w); err != nil {
		return nil, fmt.Errorf("job %s: %w", d.proving.ID, err)
	}
	p := &client.RootlessProof{Members: len(w.Accounts) + len(w.Hidden), Unread: len(w.Hidden), Beside: w.Beside, Asked: d.proving.Created, Ended: d.proving.Ended}
	for _, a := range w.Accounts {
		h, there := d.audits[a]
		switch {
		case !there || !h.At.After(d.proving.Created) || h.Unknown != "":
			p.Unread++
		case h.Absent():
			p.Absent++
		default:
			p.Holding++
		}
	}
	p.Claim = p.Members > 0 && p.Absent == p.Members
	p.Words = proofWords(p)
	return p, nil
}

func proofWords(p *client.RootlessProof) string {
	members := func(n int) string { return text.Counted(int64(n), "member") }
	out := "The root users of all " + members(p.Members) + " have no credentials"
	if !p.Claim {
		out = fmt.Sprintf("It cannot be said that no root user of a member has credentials: of %s, %d have none, %d have some, %d could not be read", members(p.Members), p.Absent, p.Holding, p.Unread)
	}
	if p.Beside > 0 {
		out += "; " + members(p.Beside) + " beside these cannot be read by anybody"
	}
	return out
}

// may is what the actor may try now. Whether it is allowed at every account is seen then.
func (d *dossier) may(actor people.Actor) []string {
	out := []string{}
	if d.request == nil || actor.Kind != people.Person {
		return out
	}
	idle := func(j *job.Job) bool { return j == nil || j.State == job.Done || j.State == job.Dead }
	left := d.status.Count[Waits]+d.status.Count[HalfWay] > 0
	if working := d.request.State == stored.Open; working && left && idle(d.applying) && actor.MayAnywhere(people.Apply) {
		out = append(out, "apply")
		if d.batch != nil && d.batch.Halted != "" {
			out = append(out, "release")
		}
	}
	if actor.MayAnywhere(people.Request) && idle(d.proving) {
		out = append(out, "prove")
	}
	return out
}

// next says what comes next, and by which command.
func (d *dossier) next(s *client.RootlessStatus) string {
	switch {
	case d.request == nil && d.planning.State == job.Dead:
		return "the request could not be made: " + d.planning.Error + "; hint: mend that, and ask anew"
	case d.request == nil:
		return "every account is read and planned; then it is asked for"
	case !s.Applying.Over() || !s.Proving.Over():
		return "the server is at work"
	}
	switch d.request.State {
	case stored.Requested:
		return "others approve it: rootkeep approve " + s.Request
	case stored.Approved:
		return "its checklist is answered, and its session opened: rootkeep root show " + s.Request
	case stored.Open:
		if slices.Contains(s.May, "release") {
			return "it halted at " + s.Halted + ": rootkeep root rootless apply " + s.Request + " goes on there, --release without it"
		}
		if d.status.Count[Waits]+d.status.Count[HalfWay] > 0 {
			return "rootkeep root rootless apply " + s.Request
		}
	}
	if s.Proof == nil || !s.Proof.Claim {
		return "rootkeep root rootless proof " + s.Request
	}
	return ""
}
