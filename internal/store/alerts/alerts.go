// Package alerts keeps alerts: what internal/alert makes of them, with their rules, tags and
// history, the suppressions, and what each rule comes to. Sightings of live events go in with
// Apply, in one transaction with the entries that tell of them; what people have to be told
// comes out. Opening, escalating, closing and whatever people do are entries alert.ACT; that
// an alert grows is none.
package alerts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/ledger"
)

// Topic is that of what listeners are told, and the first word of ledger entries.
const Topic = "alert"

// Alert is an alert as it is kept.
type Alert struct {
	alert.Alert
	storm    string // that counts it
	Revision int64  // one more with every line of the history

	ruled []string             // rules that are kept of it
	of    []rootkeep.AccountID // accounts that it was about when it was read
	more  bool                 // it was about more than it named
	had   int                  // lines of the history that are kept
	fresh bool                 // it is not kept yet
	tags  []string             // that are kept
	bare  bool                 // as Untagged when it was read
	grave rootkeep.Severity    // of its case, as a round read it; 0 for none
	heir  bool                 // of an alert that people were told of: no storm takes it in
}

// Keeper takes alerts in.
type Keeper struct {
	// Tags, if it is not nil, says which tags the alerts of a rule have from the start.
	Tags func(rule string) []string
	// Own, if it is not nil, says which rules are detections of this server: see alert.Rules.
	Own func(rule string) bool

	policy  alert.Policy
	guarded alert.Guarded
}

// New makes a keeper. guarded says which rules are never suppressed.
func New(p alert.Policy, guarded alert.Guarded) (*Keeper, error) {
	if guarded == nil {
		return nil, errors.New("alerts: which rules are guarded is required")
	}
	return &Keeper{policy: p, guarded: guarded}, p.Check()
}

// Guarded says whether alerts of a rule are never suppressed.
func (k *Keeper) Guarded(rule string) bool { return k.guarded(rule) }

func (k *Keeper) rules() alert.Rules { return alert.Rules{Guarded: k.guarded, Own: k.Own} }

// Change is something that people have to be told of an alert.
type Change struct {
	*Alert
	Act    alert.Act
	By     string // who did it
	First  bool   // nobody was told of it before
	Spread bool   // it is about an account that it was not about
}

// Changes are what a transaction did that people have to be told of.
type Changes struct {
	Alerts   []Change
	Expiring []*alert.Suppression
}

// Add takes other changes in.
func (c *Changes) Add(more *Changes) {
	c.Alerts, c.Expiring = append(c.Alerts, more.Alerts...), append(c.Expiring, more.Expiring...)
}

// Bounds of kept texts, bytes.
const (
	short = 256
	long  = 2048
)

const columns = `a.id, a.key, a.state, a.owner, a.muted, a.muted_by, a.incident, a.request, a.verdict, a.seen, a.told, a.due, a.until, a.closed,
	a.escalated, a.decided, a.decided_by, a.reason, a.revision, a.data`

// content is the column data: what was found, and what else of it no other column has.
type content struct {
	*rootkeep.Alert
	Heard    time.Time `json:"heard,omitzero"`
	Over     bool      `json:"over,omitempty"`
	Untagged bool      `json:"untagged,omitempty"`
	Urgent   bool      `json:"urgent,omitempty"`
}

func scan(row interface{ Scan(...any) error }) (*Alert, error) {
	var a Alert
	var opened, told, due, until, closed, decided int64
	var data []byte
	err := row.Scan(&a.ID, &a.Key, &a.State, &a.Owner, &a.Muted, &a.MutedBy, &a.Case, &a.Request, &a.Verdict, &opened, &told, &due, &until, &closed,
		&a.Escalated, &decided, &a.By, &a.Reason, &a.Revision, &data)
	if err != nil {
		return nil, err
	}
	a.Opened, a.Told, a.Due, a.Until, a.Closed, a.Decided = store.Time(opened), store.Time(told), store.Time(due), store.Time(until), store.Time(closed), store.Time(decided)
	in := content{Alert: &a.Found}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("alert %s, as it is kept: %w", a.ID, err)
	}
	a.Found.ID, a.Heard, a.Over, a.Untagged, a.bare, a.Urgent = a.ID, in.Heard, in.Over, in.Untagged, in.Untagged, in.Urgent
	if a.Muted == alert.ByStorm {
		a.storm = a.MutedBy
	}
	for _, r := range a.Found.Rules {
		a.ruled = append(a.ruled, r.Name)
	}
	a.of, a.more = alert.Accounts(&a.Found), a.Found.AccountsOmitted > 0
	return &a, nil
}

// find reads the alerts of which a column has one of the values, with their tags.
func find(ctx context.Context, r *store.Reader, column string, values []string) ([]*Alert, error) {
	var out []*Alert
	const atOnce = 100
	for part := range slices.Chunk(values, atOnce) {
		var w clause.Where
		clause.In(&w, column, part)
		list, err := query(ctx, r, w.String(), w.Args...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// query reads alerts with their tags.
func query(ctx context.Context, r *store.Reader, where string, args ...any) ([]*Alert, error) {
	var out []*Alert
	byID := map[string]*Alert{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		a, err := scan(rows)
		if err == nil {
			out, byID[a.ID] = append(out, a), a
		}
		return err
	}, `SELECT `+columns+` FROM alert a`+where, args...)
	if err != nil || len(out) == 0 {
		return out, err
	}
	var w clause.Where
	ids := make([]string, len(out))
	for i, a := range out {
		ids[i] = a.ID
	}
	clause.In(&w, "alert", ids)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var id, tag string
		err := rows.Scan(&id, &tag)
		if a := byID[id]; a != nil {
			a.Tags = append(a.Tags, tag)
		}
		return err
	}, `SELECT alert, tag FROM alert_tag`+w.String()+` ORDER BY alert, tag`, w.Args...)
	for _, a := range out {
		a.tags = slices.Clone(a.Tags)
	}
	return out, err
}

// get reads an alert by its ID; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string) (*Alert, error) {
	list, err := find(ctx, r, "a.id", []string{id})
	if err != nil {
		return nil, fmt.Errorf("read alert %s: %w", id, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("alert %s: %w", id, store.ErrNotFound)
	}
	return list[0], nil
}

// values are the columns of a row behind its ID, in the order of insert and update.
func (a *Alert) values() ([]any, error) {
	f := bounded(a.Found)
	data, err := json.Marshal(content{&f, a.Heard, a.Over, a.Untagged, a.Urgent})
	if err != nil {
		return nil, fmt.Errorf("alert %s: %w", a.ID, err)
	}
	return []any{
		a.ID, string(f.Account), int64(f.Level), f.Title, f.Kind, f.Tactic, f.Actor.Principal, store.Micros(f.First), store.Micros(f.Last), int64(f.Count),
		string(a.State), a.By, store.Kept(a.Reason, long), store.Micros(a.Decided), data, a.Key, alert.Rule(&f), a.Owner, string(a.Muted), a.MutedBy,
		a.Case, a.Request, string(a.Verdict), flag(alert.OfRoot(&f)), store.Micros(a.Told), store.Micros(a.Due), store.Micros(a.Until), store.Micros(a.Closed),
		int64(a.Escalated), a.Revision,
	}, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// keep writes the alert as it is, with what is new of its rules, tags and history.
func (a *Alert) keep(ctx context.Context, tx *store.Tx) error {
	values, err := a.values()
	if err != nil {
		return err
	}
	// That it grows is no other revision: who reads an alert while it grows can act on it.
	step := flag(len(a.History) > a.had)
	if a.fresh {
		_, err = tx.Exec(ctx, `INSERT INTO alert (id, account, level, title, kind, tactic, principal, first, last, count, state, decided_by, reason, decided, data, key, rule, owner, muted, muted_by,
			incident, request, verdict, root, told, due, until, closed, escalated, revision, seen)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`,
			append(values, store.Micros(a.Opened))...)
	} else {
		err = tx.ExecOne(ctx, `UPDATE alert SET account = $2, level = $3, title = $4, kind = $5, tactic = $6, principal = $7, first = $8, last = $9, count = $10, state = $11, decided_by = $12,
			reason = $13, decided = $14, data = $15, key = $16, rule = $17, owner = $18, muted = $19, muted_by = $20, incident = $21, request = $22, verdict = $23, root = $24, told = $25, due = $26,
			until = $27, closed = $28, escalated = $29, revision = revision + $31 WHERE id = $1 AND revision = $30`, append(values, step)...)
		a.Revision += step
	}
	if err != nil {
		return fmt.Errorf("keep alert %s: %w", a.ID, err)
	}
	tx.Announce(Topic, a.ID)
	for _, step := range []func(context.Context, *store.Tx) error{a.keepRules, a.keepTags, a.keepAccounts, a.keepHistory} {
		if err := step(ctx, tx); err != nil {
			return fmt.Errorf("keep alert %s: %w", a.ID, err)
		}
	}
	a.fresh, a.of, a.more = false, alert.Accounts(&a.Found), a.Found.AccountsOmitted > 0
	return nil
}

func (a *Alert) keepRules(ctx context.Context, tx *store.Tx) error {
	for _, r := range a.Found.Rules {
		if slices.Contains(a.ruled, r.Name) && !a.fresh {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO alert_rule (alert, rule) VALUES ($1, $2) ON CONFLICT (alert, rule) DO NOTHING`, a.ID, store.Kept(r.Name, short)); err != nil {
			return err
		}
		a.ruled = append(a.ruled, r.Name)
	}
	return nil
}

func (a *Alert) keepTags(ctx context.Context, tx *store.Tx) error {
	if a.bare = a.Untagged; slices.Equal(a.tags, a.Tags) {
		return nil
	}
	if _, err := tx.Exec(ctx, `DELETE FROM alert_tag WHERE alert = $1`, a.ID); err != nil {
		return err
	}
	for _, t := range a.Tags {
		if _, err := tx.Exec(ctx, `INSERT INTO alert_tag (alert, tag) VALUES ($1, $2)`, a.ID, t); err != nil {
			return err
		}
	}
	a.tags = slices.Clone(a.Tags)
	return nil
}

// keepAccounts writes the accounts of an alert about several that are new, so that lists find
// it by each. What it names no more stays: it is about that as well.
func (a *Alert) keepAccounts(ctx context.Context, tx *store.Tx) error {
	if a.Found.Account != "" {
		return nil // its row names the only one
	}
	f, had := bounded(a.Found), a.of
	if a.fresh || len(had) < 2 {
		had = nil
	}
	about := f.Accounts
	if f.AccountsOmitted > 0 && (a.fresh || !a.more) {
		about = append(slices.Clone(about), "")
	}
	for _, id := range about {
		if slices.Contains(had, id) {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO alert_about (alert, account) VALUES ($1, $2) ON CONFLICT (alert, account) DO NOTHING`, a.ID, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// keepHistory writes the lines that are new, each with its entry. What rootkeep does with
// alerts that nobody is told of because they are many, or on trial, is no entry: the storm
// has its own.
func (a *Alert) keepHistory(ctx context.Context, tx *store.Tx) error {
	for i := a.had; i < len(a.History); i++ {
		l := &a.History[i]
		l.At = later(l.At, moment(tx.Now())) // in the order of the ledger
		_, err := tx.Exec(ctx, `INSERT INTO alert_history (alert, number, at, person, act, about) VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM alert_history WHERE alert = $1), $2, $3, $4, $5)`,
			a.ID, store.Micros(l.At), l.By, string(l.Act), store.Kept(l.About, long))
		if err != nil {
			return err
		}
		if l.Act == alert.Grown || l.By == alert.System && (a.Muted == alert.ByStorm || a.Muted == alert.ByDryRun) {
			continue
		}
		if err := a.enter(tx, *l); err != nil {
			return err
		}
	}
	a.had = len(a.History)
	return nil
}

// enter writes the entry of a line of the history.
func (a *Alert) enter(tx *store.Tx, l alert.Line) error {
	l.About = store.Kept(l.About, long)
	rules := []string{}
	for _, r := range a.Found.Rules {
		rules = append(rules, store.Kept(r.Name, short))
	}
	text, err := json.Marshal(struct {
		alert.Line
		Account   string            `json:"account"`
		Case      string            `json:"case,omitempty"`
		Count     int               `json:"count"`
		Level     rootkeep.Severity `json:"level"`
		Muted     alert.Mute        `json:"muted,omitempty"`
		MutedBy   string            `json:"muted_by,omitempty"`
		Principal string            `json:"principal"`
		Rules     []string          `json:"rules"`
		State     alert.State       `json:"state"`
		Title     string            `json:"title"`
	}{
		l, store.Kept(string(a.Found.Account), short), a.Case, a.Found.Count, a.Found.Level, a.Muted, a.MutedBy, store.Kept(a.Found.Actor.Principal, long),
		rules[:min(len(rules), alert.MostRules)], a.State, store.Kept(a.Found.Title, long),
	})
	if err != nil {
		return err
	}
	return tx.Record(Topic+"."+string(l.Act), a.ID, l.By, ledger.NewPayload("alert", text))
}

// crockford is base32 without the letters that are misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// idOf is the ID of an alert whose own one is taken, or is none.
func idOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return alert.Prefix + "-" + crockford.EncodeToString(sum[:])[:13]
}

// bounded is an alert as it is kept: the texts of a log may be without end, and databases do
// not take all of them.
func bounded(f rootkeep.Alert) rootkeep.Alert {
	cut := func(most int, texts ...*string) {
		for _, t := range texts {
			*t = store.Kept(*t, most)
		}
	}
	actor := func(a *rootkeep.Actor) {
		cut(short, &a.Type, (*string)(&a.Account), &a.AccessKeyID, &a.Session)
		cut(long, &a.ARN, &a.Principal)
	}
	cut(long, &f.Title)
	cut(short, &f.Kind, &f.State, &f.Tactic, &f.Opens, (*string)(&f.Account))
	actor(&f.Actor)
	f.Rules, f.Actions, f.Addresses = clipped(f.Rules, alert.MostRules), clipped(f.Actions, 16), clipped(f.Addresses, 16)
	f.Regions, f.Agents, f.Notes, f.Events = clipped(f.Regions, 50), clipped(f.Agents, 8), clipped(f.Notes, 50), clipped(f.Events, 10)
	f.Accounts = clipped(f.Accounts, mostAccounts)
	for i := range f.Accounts {
		cut(short, (*string)(&f.Accounts[i]))
	}
	for i := range f.Rules {
		cut(short, &f.Rules[i].ID, &f.Rules[i].Name, &f.Rules[i].Author, &f.Rules[i].Opens)
		cut(long, &f.Rules[i].Title, &f.Rules[i].Guidance, &f.Rules[i].Threshold)
	}
	for i := range f.Actions {
		cut(short, &f.Actions[i].Text)
	}
	for i := range f.Addresses {
		cut(short, &f.Addresses[i].Text, &f.Addresses[i].Network)
	}
	for i := range f.Regions {
		cut(short, (*string)(&f.Regions[i]))
	}
	for i := range f.Agents {
		cut(long, &f.Agents[i])
	}
	for i := range f.Notes {
		cut(long, &f.Notes[i])
	}
	for i := range f.Events {
		e := &f.Events[i]
		cut(short, &e.ID, &e.Name, &e.Source, (*string)(&e.Account), (*string)(&e.Region), &e.Address, &e.ErrorCode)
		cut(long, &e.Agent, &e.Target, &e.File)
		actor(&e.Actor)
	}
	return f
}

// clipped is a copy of the first of a list.
func clipped[T any](list []T, most int) []T { return slices.Clone(list[:min(len(list), most)]) }

// moment is a time as it is kept: to the microsecond.
func moment(t time.Time) time.Time { return store.Time(store.Micros(t)) }
