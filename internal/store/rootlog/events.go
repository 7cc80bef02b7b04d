// Package rootlog keeps what becomes known of root users while it happens: events as they
// arrive, each with its verdict, sessions that rootkeep was given, hours of which the logs
// are proven. Which verdict it is, internal/store/access has judged.
package rootlog

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Event is an event of a root user or about one, as it is kept. Its texts are as
// delivered, but bounded: hostile.
type Event struct {
	reconcile.Judged
	Key       string    // RU-...: that of the same event in a hunt
	Arrived   time.Time // the first time
	Delivered int       // how often
	Sources   []string  // names of who delivered it
	At        time.Time // when the verdict became what it is; zero before it was judged
}

// Span is a time from its first event to its last.
type Span struct{ First, Last time.Time }

// Touched are the accounts about whose root users verdicts may be others now, each with the
// time of what is new there: what Judge is given.
type Touched map[rootkeep.AccountID]Span

// Add takes a moment of an account in.
func (t Touched) Add(account rootkeep.AccountID, at time.Time) {
	at = moment(at)
	s, known := t[account]
	if !known || at.Before(s.First) {
		s.First = at
	}
	if !known || at.After(s.Last) {
		s.Last = at
	}
	t[account] = s
}

// moment is where an event lies among others: one whose record has no time is put before
// all others.
func moment(t time.Time) time.Time { return time.UnixMicro(store.Micros(t)).UTC() }

// Moment is where the event lies among others; its time is zero if its record has none.
func (e *Event) Moment() time.Time { return moment(e.Time) }

// mostMark bounds where a source goes on, bytes.
const mostMark = 64 << 10

// Arrive keeps the events of a delivery, and where its source goes on. What was delivered
// before is counted and changes nothing else. Without a mark the source goes on where it would
// have. Touched is for Judge.
func Arrive(ctx context.Context, tx *store.Tx, source string, mark []byte, events []reconcile.Event) (Touched, error) {
	return ArriveTogether(ctx, tx, source, 1, mark, events)
}

// ArriveTogether is Arrive of several deliveries of a source, of which the last has the mark.
func ArriveTogether(ctx context.Context, tx *store.Tx, source string, deliveries int, mark []byte, events []reconcile.Event) (Touched, error) {
	if len(mark) > mostMark {
		return nil, fmt.Errorf("source %q: a mark of %d bytes, at most %d", source, len(mark), mostMark)
	}
	source = strings.ReplaceAll(store.Kept(source, 100), ",", ";")
	set := ""
	if mark != nil {
		set = "mark = excluded.mark, "
	}
	_, err := tx.Exec(ctx, `INSERT INTO root_source (name, mark, heard, taken) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET `+set+`heard = excluded.heard, taken = root_source.taken + excluded.taken`, source, append([]byte{}, mark...), store.Micros(tx.Now()), deliveries)
	if err != nil {
		return nil, fmt.Errorf("keep the mark of source %s: %w", source, err)
	}
	touched := Touched{}
	for i := range events {
		fresh, err := arrive(ctx, tx, source, &events[i])
		if err != nil {
			return nil, err
		}
		if !fresh {
			continue
		}
		e := bounded(&events[i])
		touched.Add(rootOf(&e), e.Time)
	}
	return touched, nil
}

// arrive keeps one event. It is false if it was there before. One that has the key of
// another, and is not a copy of it, is kept beside it: neither hides the other, whichever
// came first.
func arrive(ctx context.Context, tx *store.Tx, source string, given *reconcile.Event) (bool, error) {
	key, e := hunts.KeyOf(&given.RootUse), bounded(given)
	there, same, err := again(ctx, tx, source, key, given, &e)
	if err == nil && there && !same {
		if key, err = beside(key, e); err == nil {
			there, _, err = again(ctx, tx, source, key, given, &e)
		}
	}
	if err != nil || there {
		return false, err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return false, fmt.Errorf("keep event %s: %w", key, err)
	}
	tx.Announce(access.RequestKind, key)
	_, err = tx.Exec(ctx, `INSERT INTO root_event (id, event, account, at, region, kind, target, data, raw, arrived, delivered, sources, verdict, rule, why, request, session, judged)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, '', '', '', '', '', 0)`,
		key, e.ID, string(e.Account), store.Micros(e.Time), string(e.Region), string(e.Kind), string(target(&e)), data, rawOf(given), store.Micros(tx.Now()), source)
	if err != nil {
		return false, fmt.Errorf("keep event %s: %w", key, err)
	}
	return true, nil
}

// beside is the key of an event that has the key of another one. Where its address lies is
// found out by rootkeep, and not a part of it.
func beside(key string, e reconcile.Event) (string, error) {
	e.Country = ""
	content, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("keep event %s: %w", key, err)
	}
	return hunts.KeyBeside(key, content), nil
}

// again looks for an event under a key, and counts it if what is there is the same.
func again(ctx context.Context, tx *store.Tx, source, key string, given, e *reconcile.Event) (there, same bool, err error) {
	var sources string
	var data []byte
	err = tx.Row(ctx, `SELECT sources, data FROM root_event WHERE id = $1`, key).Scan(&sources, &data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("look for event %s: %w", key, err)
	}
	var before reconcile.Event
	if err := json.Unmarshal(data, &before); err != nil {
		return true, false, fmt.Errorf("event %s: %w", key, err)
	}
	if !before.Same(e) {
		return true, false, nil
	}
	if !slices.Contains(strings.Split(sources, ","), source) && len(sources) < longText {
		sources += "," + source
	}
	err = tx.ExecOne(ctx, `UPDATE root_event SET delivered = delivered + 1, raw = COALESCE(raw, $3), sources = $2 WHERE id = $1`, key, sources, rawOf(given))
	if err != nil {
		return true, true, fmt.Errorf("count event %s: %w", key, err)
	}
	return true, true, nil
}

// rawOf is the record, NULL if it was larger than is kept.
func rawOf(e *reconcile.Event) []byte {
	if len(e.Raw) == 0 || len(e.Raw) > hunts.MostRaw {
		return nil
	}
	return e.Raw
}

// bounded is an event as it is kept, without its record: the texts of a log may be without
// end, and databases do not take all of them. What a verdict compares is short.
func bounded(given *reconcile.Event) reconcile.Event {
	e := *given
	e.Raw = nil
	e.Account, e.Of = rootkeep.AccountID(store.Kept(string(e.Account), shortText)), rootkeep.AccountID(store.Kept(string(e.Of), shortText))
	e.Region, e.Kind = rootkeep.Region(store.Kept(string(e.Region), shortText)), rootkeep.RootKind(store.Kept(string(e.Kind), shortText))
	for _, s := range []*string{&e.ID, &e.Source, &e.Name, &e.Address, &e.Country, &e.MFA, &e.AccessKey, &e.IssuedKey, &e.Type, &e.SourceIdentity} {
		*s = store.Kept(*s, shortText)
	}
	for _, s := range []*string{&e.Error, &e.Agent, &e.Principal, &e.Target, &e.Device, &e.TaskPolicy, &e.Service} {
		*s = store.Kept(*s, longText)
	}
	e.Time, e.Created = e.Time.UTC(), e.Created.UTC()
	return e
}

// Bounds of one kept text, bytes.
const (
	shortText = 256
	longText  = 2048
)

// target is the account whose root user an event of another account is about, "" if it is
// about that of its own.
func target(e *reconcile.Event) rootkeep.AccountID {
	if _, err := rootkeep.ParseAccountID(string(e.Of)); err != nil || e.Of == e.Account {
		return ""
	}
	return e.Of
}

// rootOf is the account whose root user an event is about, as far as that is one: the
// account that its verdict is found in.
func rootOf(e *reconcile.Event) rootkeep.AccountID { return cmp.Or(target(e), e.Account) }

// Mark gives where a source goes on, nil for one that never delivered.
func Mark(ctx context.Context, r *store.Reader, source string) ([]byte, error) {
	var mark []byte
	err := r.Row(ctx, `SELECT mark FROM root_source WHERE name = $1`, source).Scan(&mark)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read the mark of source %s: %w", source, err)
	}
	return mark, nil
}

const eventColumns = `id, data, arrived, delivered, sources, verdict, rule, why, request, session, judged`

func scanEvent(row interface{ Scan(...any) error }, more ...any) (*Event, error) {
	var e Event
	var data []byte
	var sources string
	var arrived, judged int64
	var verdict, rule, why, request, session string
	err := row.Scan(append([]any{&e.Key, &data, &arrived, &e.Delivered, &sources, &verdict, &rule, &why, &request, &session, &judged}, more...)...)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &e.Event); err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Key, err)
	}
	e.Verdict, e.Rule, e.Why, e.Request, e.Session = rootkeep.Verdict(verdict), rule, why, request, session
	e.Arrived, e.At, e.Sources = store.Time(arrived), store.Time(judged), strings.Split(sources, ",")
	return &e, nil
}

// EventFilter narrows a list of events. Zero fields do not.
type EventFilter struct {
	Account      rootkeep.AccountID
	Verdict      rootkeep.Verdict
	Request      string    // RR-... or SC-...
	Case         string    // CS-...
	Event        string    // ID of the event as its record has it, or RU-...
	Since, Until time.Time // half-open
	Unjudged     bool      // only those that have no verdict yet
	Before       string    // Cursor of the last one of the page before: newest come first
	Limit        int
}

// ErrPlace is a Before that is no Cursor.
var ErrPlace = errors.New("not a place in the list")

type eventPlace struct {
	At  int64
	Key string
}

// Cursor is where a page that begins behind the event goes on.
func (e *Event) Cursor() string { return clause.Cursor(eventPlace{store.Micros(e.Time), e.Key}) }

// Events lists the events in sight, the newest first, without their records.
func Events(ctx context.Context, r *store.Reader, s sight.Sight, f EventFilter) ([]*Event, error) {
	w := clause.Where{}
	s.Keep(&w, "account")
	for _, c := range []struct{ column, value string }{{"account", string(f.Account)}, {"verdict", string(f.Verdict)}, {"request", f.Request}} {
		if c.value != "" {
			w.And(c.column+" = ?", c.value)
		}
	}
	if f.Case != "" {
		w.And("id IN (SELECT event FROM incident_event WHERE incident = ?)", f.Case)
	}
	if f.Event != "" {
		w.And("(event = ? OR id = ?)", f.Event, f.Event)
	}
	if f.Unjudged {
		w.And("verdict = ''")
	}
	if !f.Since.IsZero() {
		w.And("at >= ?", store.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.And("at < ?", store.Micros(f.Until))
	}
	if f.Before != "" {
		var p eventPlace
		if !clause.Place(f.Before, &p) {
			return nil, fmt.Errorf("events before %q: %w", f.Before, ErrPlace)
		}
		w.And("(at < ? OR at = ? AND id < ?)", p.At, p.At, p.Key)
	}
	return events(ctx, r, `SELECT `+eventColumns+` FROM root_event`+w.String()+` ORDER BY at DESC, id DESC LIMIT `+w.Next(f.Limit), w.Args...)
}

func events(ctx context.Context, r *store.Reader, query string, args ...any) ([]*Event, error) {
	var out []*Event
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		e, err := scanEvent(rows)
		out = append(out, e)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list events of root users: %w", err)
	}
	return out, nil
}

// EventOf reads an event by its key, with its record; ErrNotFound if it is not there or not
// in sight.
func EventOf(ctx context.Context, r *store.Reader, s sight.Sight, key string) (*Event, error) {
	var raw []byte
	e, err := scanEvent(r.Row(ctx, `SELECT `+eventColumns+`, raw FROM root_event WHERE id = $1`, key), &raw)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && !s.Sees(e.Account):
		return nil, fmt.Errorf("event %s: %w", key, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read event: %w", err)
	}
	e.Raw = raw
	return e, nil
}

// RecordHash is the SHA-256 of the record of an event as it is kept, in hexadecimal; "" if
// it was larger than is kept.
func RecordHash(ctx context.Context, r *store.Reader, key string) (string, error) {
	var raw []byte
	if err := r.Row(ctx, `SELECT raw FROM root_event WHERE id = $1`, key).Scan(&raw); err != nil {
		return "", fmt.Errorf("read the record of event %s: %w", key, err)
	}
	if len(raw) == 0 {
		return "", nil
	}
	return approval.Sum(raw).String(), nil
}

// aboutRoot takes the events about the root user of the account $1, which are judged
// together: its own, and those in logs of other accounts that aim at it. $1 may be ”, of
// records without an account.
const aboutRoot = `(account = $1 AND target = '' OR target = $1 AND target <> '')`

// Touch says which of the accounts have events about their root users in a span, and when:
// what Judge has to look at once something else is known of it.
func Touch(ctx context.Context, r *store.Reader, accounts []rootkeep.AccountID, at Span) (Touched, error) {
	touched := Touched{}
	for _, a := range accounts {
		var first, last int64
		err := r.Row(ctx, `SELECT COALESCE(MIN(at), 0), COALESCE(MAX(at), 0) FROM root_event WHERE `+aboutRoot+` AND at >= $2 AND at <= $3`,
			string(a), store.Micros(at.First), store.Micros(at.Last)).Scan(&first, &last)
		if err != nil {
			return nil, fmt.Errorf("find events about root of account %s: %w", a, err)
		}
		if last == 0 {
			continue
		}
		s := Span{store.Time(first), store.Time(last)}
		callers, err := callersOf(ctx, r, a, s)
		if err != nil {
			return nil, err
		}
		for _, of := range append(callers, a) { // a session is opened in the account of who calls
			touched.Add(of, s.First)
			touched.Add(of, s.Last)
		}
	}
	return touched, nil
}

// Next finds the first event about the root user of an account in a span, its end included.
func Next(ctx context.Context, r *store.Reader, account rootkeep.AccountID, at Span) (first time.Time, found bool, err error) {
	var micros sql.NullInt64
	err = r.Row(ctx, `SELECT MIN(at) FROM (
			SELECT * FROM (SELECT at FROM root_event WHERE account = $1 AND target = '' AND at >= $2 AND at <= $3 ORDER BY at LIMIT 1) AS own
			UNION ALL SELECT * FROM (SELECT at FROM root_event WHERE target = $1 AND target <> '' AND at >= $2 AND at <= $3 ORDER BY at LIMIT 1) AS others) AS either`,
		string(account), at.First.UnixMicro(), at.Last.UnixMicro()).Scan(&micros)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("find events about root of account %s: %w", account, err)
	}
	return time.UnixMicro(micros.Int64).UTC(), micros.Valid, nil
}

// Around reads events about the root user of an account in a span: at most as many as
// limit. Those on which no other verdict rests come last, for anybody can cause them: a
// sign-in that fails takes no more than an address.
func Around(ctx context.Context, r *store.Reader, account rootkeep.AccountID, at Span, limit int) ([]*Event, error) {
	return events(ctx, r, `SELECT `+eventColumns+` FROM root_event WHERE `+aboutRoot+` AND at >= $2 AND at < $3
		ORDER BY CASE WHEN kind IN ('`+string(rootkeep.RootFailedSignIn)+`', '`+string(rootkeep.RootSignInStep)+`') THEN 1 ELSE 0 END, at, id LIMIT $4`,
		string(account), at.First.UnixMicro(), at.Last.UnixMicro(), limit)
}

// Unjudged reads events about the root user of an account in a span that have no verdict
// yet, in their order: at most as many as limit.
func Unjudged(ctx context.Context, r *store.Reader, account rootkeep.AccountID, at Span, limit int) ([]*Event, error) {
	return events(ctx, r, `SELECT `+eventColumns+` FROM root_event WHERE verdict = '' AND `+aboutRoot+` AND at >= $2 AND at < $3 ORDER BY at, id LIMIT $4`,
		string(account), at.First.UnixMicro(), at.Last.UnixMicro(), limit)
}

// OfRequest reads the events that belong to a request, in their order, and says how many
// there are: at most as many as limit are read.
func OfRequest(ctx context.Context, r *store.Reader, request string, limit int) (list []*Event, all int, err error) {
	list, err = events(ctx, r, `SELECT `+eventColumns+` FROM root_event WHERE request = $1 ORDER BY at, id LIMIT $2`, request, limit)
	if err != nil {
		return nil, 0, err
	}
	if err := r.Row(ctx, `SELECT COUNT(*) FROM root_event WHERE request = $1`, request).Scan(&all); err != nil {
		return nil, 0, fmt.Errorf("count the events of request %s: %w", request, err)
	}
	return list, all, nil
}

// Ruling is what an event comes to.
type Ruling struct {
	Verdict rootkeep.Verdict
	Rule    string // short name of what decided
	Why     string
	Request string // RR-... or SC-..., "" if there is none
	Session string
}

// Take gives the event its verdict. It is false if it has it already.
func (e *Event) Take(to Ruling) bool {
	to.Why, to.Session = store.Kept(to.Why, longText), store.Kept(to.Session, shortText)
	if to == (Ruling{e.Verdict, e.Rule, e.Why, e.Request, e.Session}) {
		return false
	}
	e.Verdict, e.Rule, e.Why, e.Request, e.Session = to.Verdict, to.Rule, to.Why, to.Request, to.Session
	return true
}

// KeepVerdict writes the verdict of an event that is kept, and when it became that.
func (e *Event) KeepVerdict(ctx context.Context, tx *store.Tx) error {
	err := tx.ExecOne(ctx, `UPDATE root_event SET verdict = $2, rule = $3, why = $4, request = $5, session = $6, judged = $7 WHERE id = $1`,
		e.Key, string(e.Verdict), e.Rule, e.Why, e.Request, e.Session, store.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("keep the verdict of event %s: %w", e.Key, err)
	}
	e.At = tx.Now()
	tx.Announce(access.RequestKind, e.Key)
	return nil
}
