package hunts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// Use is an event of a root user, as it is kept.
type Use struct {
	rootkeep.RootUse
	Key  string // RU-...
	Hunt string // that sent it first
}

// Gap ends a session of root: an hour without an event, as in a hunt.
const Gap = time.Hour

// fingerprint tells events apart by all that they are judged by: an ID alone can be
// forged, and would then hide another event.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16])
}

// KeyOf is the key under which an event of a root user is kept, RU-...
func KeyOf(u *rootkeep.RootUse) string {
	return "RU-" + fingerprint(u.ID, fmt.Sprint(store.Micros(u.Time)), string(u.Account), u.Source, u.Name, u.Address, u.Principal, u.Error)
}

// KeyBeside is the key of an event that has the key of another one, and other content.
func KeyBeside(key string, content []byte) string { return "RU-" + fingerprint(key, string(content)) }

func (h *Result) takeUses(ctx context.Context, tx *store.Tx) error {
	return inParts(h.Uses, func(part []rootkeep.RootUse) error {
		var rows clause.Rows
		met := map[string]bool{}
		for i := range part {
			u := &part[i]
			at := store.Micros(u.Time)
			key := KeyOf(u)
			if met[key] {
				continue
			}
			met[key] = true
			var raw []byte // NULL if there is none
			if len(u.Raw) > 0 && len(u.Raw) <= MostRaw {
				raw = u.Raw
			}
			rows.Add(key, store.Kept(u.ID, short), at, store.Kept(string(u.Account), short), store.Kept(string(u.Region), short), store.Kept(string(u.Kind), short), flag(u.Kind.Used()),
				store.Kept(u.Source, short), store.Kept(u.Name, short), flag(u.Failed), store.Kept(u.Error, long), store.Kept(u.Address, short), store.Kept(u.Country, short), store.Kept(u.Agent, long),
				store.Kept(u.MFA, short), store.Kept(u.Principal, long), store.Kept(u.AccessKey, short), store.Kept(u.Target, long), h.ID, raw)
		}
		_, err := tx.Exec(ctx, `INSERT INTO root_use (id, event, at, account, region, kind, used, source, name, failed, error, address, country, agent,
				mfa, principal, accesskey, target, hunt, raw) VALUES `+rows.String()+`
			ON CONFLICT (id) DO UPDATE SET country = CASE WHEN root_use.country = '' THEN excluded.country ELSE root_use.country END,
				raw = COALESCE(root_use.raw, excluded.raw)`, rows.Args...)
		return err
	})
}

// MostRaw bounds a kept record, bytes.
const MostRaw = 64 << 10

// UseFilter narrows a list of root events. Zero fields do not.
type UseFilter struct {
	Account      rootkeep.AccountID
	Kind         rootkeep.RootKind
	Used         bool      // root itself acted
	Since, Until time.Time // half-open
	Country      string    // "-" for unknown
	Text         string    // in the name, the address, the principal or the event's ID
	Event        string    // ID of the event
}

func (f UseFilter) where(s Sight) *clause.Where {
	w := &clause.Where{}
	s.Keep(w, "u.account")
	for column, value := range map[string]string{"u.account": string(f.Account), "u.kind": string(f.Kind), "u.event": f.Event} {
		if value != "" {
			w.And(column+" = ?", value)
		}
	}
	if f.Used {
		w.And("u.used = 1")
	}
	switch f.Country {
	case "":
	case "-":
		w.And("u.country = ''")
	default:
		w.And("u.country = ?", f.Country)
	}
	if !f.Since.IsZero() {
		w.And("u.at >= ?", store.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.And("u.at < ?", store.Micros(f.Until))
	}
	if f.Text != "" {
		like := clause.Like(strings.ToLower(store.Kept(f.Text, short)))
		w.And(`(LOWER(u.name) LIKE ? ESCAPE '\' OR LOWER(u.address) LIKE ? ESCAPE '\' OR LOWER(u.principal) LIKE ? ESCAPE '\' OR LOWER(u.event) LIKE ? ESCAPE '\')`, like, like, like, like)
	}
	return w
}

const useColumns = `u.id, u.event, u.at, u.account, u.region, u.kind, u.source, u.name, u.failed, u.error, u.address, u.country, u.agent, u.mfa, u.principal, u.accesskey, u.target, u.hunt`

func scanUse(row interface{ Scan(...any) error }, more ...any) (*Use, error) {
	var u Use
	var at, failed int64
	into := []any{&u.Key, &u.ID, &at, &u.Account, &u.Region, &u.Kind, &u.Source, &u.Name, &failed, &u.Error, &u.Address, &u.Country, &u.Agent,
		&u.MFA, &u.Principal, &u.AccessKey, &u.Target, &u.Hunt}
	err := row.Scan(append(into, more...)...)
	u.Time, u.Failed = store.Time(at), failed == 1
	return &u, err
}

type usePlace struct {
	At  int64  `json:"t"`
	Key string `json:"i"`
}

// Uses lists root events, the latest first, without their records. next is the cursor of
// the page after it, "" on the last.
func Uses(ctx context.Context, r *store.Reader, s Sight, f UseFilter, cursor string, most int) (list []*Use, next string, err error) {
	w := f.where(s)
	if cursor != "" {
		var at usePlace
		if !clause.Place(cursor, &at) {
			return nil, "", ErrCursor
		}
		w.And("(u.at < ? OR u.at = ? AND u.id > ?)", at.At, at.At, at.Key)
	}
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		u, err := scanUse(rows)
		list = append(list, u)
		return err
	}, `SELECT `+useColumns+` FROM root_use u`+w.String()+` ORDER BY u.at DESC, u.id LIMIT `+w.Next(most+1), w.Args...)
	if err != nil {
		return nil, "", fmt.Errorf("list root events: %w", err)
	}
	if len(list) > most {
		list = list[:most]
		next = clause.Cursor(usePlace{store.Micros(list[most-1].Time), list[most-1].Key})
	}
	return list, next, nil
}

// UseByKey reads a root event in sight, with its record if that is kept, and how many
// others share its ID: one of them is forged then.
func UseByKey(ctx context.Context, r *store.Reader, s Sight, key string) (u *Use, twins int64, err error) {
	w := &clause.Where{}
	w.And("u.id = ?", key)
	s.Keep(w, "u.account")
	var raw []byte
	u, err = scanUse(r.Row(ctx, `SELECT `+useColumns+`, u.raw FROM root_use u`+w.String(), w.Args...), &raw)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, 0, fmt.Errorf("root event %s: %w", key, err)
	}
	u.Raw = raw
	if u.ID == "" {
		return u, 0, nil
	}
	twin := &clause.Where{}
	twin.And("event = ?", u.ID)
	twin.And("account = ?", string(u.Account))
	twin.And("id <> ?", key)
	err = r.Row(ctx, `SELECT COUNT(*) FROM root_use`+twin.String(), twin.Args...).Scan(&twins)
	if err != nil {
		return nil, 0, fmt.Errorf("root event %s: %w", key, err)
	}
	return u, twins, nil
}

// CountSessions counts the sessions of root users that began in a period: events of root
// itself in one account without a gap of an hour. Events is how many they have.
func CountSessions(ctx context.Context, r *store.Reader, s Sight, since, until time.Time) (sessions, events int64, err error) {
	w := UseFilter{Used: true, Since: since, Until: until}.where(s)
	err = r.Row(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN EXISTS (
			SELECT 1 FROM root_use p WHERE p.account = u.account AND p.used = 1 AND p.at >= u.at - `+w.Next(Gap.Microseconds())+` AND (p.at < u.at OR p.at = u.at AND p.id < u.id)
		) THEN 0 ELSE 1 END), 0) FROM root_use u`+w.String(), w.Args...).Scan(&events, &sessions)
	if err != nil {
		return 0, 0, fmt.Errorf("count sessions of root: %w", err)
	}
	return sessions, events, nil
}

// mostOfSession bounds the events of one session that are read.
const mostOfSession = 2000

// SessionOf gives the events of the session that an event lies in, the earliest first:
// all of its account around it, without a gap of an hour, whoever acted. cut says that
// there are more.
func SessionOf(ctx context.Context, r *store.Reader, s Sight, u *Use) (list []*Use, cut bool, err error) {
	collect := func(order, compare string) (out []*Use, err error) {
		w := UseFilter{Account: u.Account}.where(s)
		w.And("(u.at "+compare+" ? OR u.at = ? AND u.id "+compare+" ?)", store.Micros(u.Time), store.Micros(u.Time), u.Key)
		last := u.Time
		err = store.Each(ctx, r, func(rows *sql.Rows) error {
			e, err := scanUse(rows)
			if err != nil {
				return err
			}
			if e.Time.Sub(last).Abs() > Gap {
				return errEnd
			}
			last = e.Time
			out = append(out, e)
			return nil
		}, `SELECT `+useColumns+` FROM root_use u`+w.String()+` ORDER BY u.at `+order+`, u.id `+order+` LIMIT `+w.Next(mostOfSession+1), w.Args...)
		if errors.Is(err, errEnd) {
			err = nil
		}
		return out, err
	}
	before, err := collect("DESC", "<")
	if err != nil {
		return nil, false, fmt.Errorf("session of %s: %w", u.Key, err)
	}
	after, err := collect("ASC", ">")
	if err != nil {
		return nil, false, fmt.Errorf("session of %s: %w", u.Key, err)
	}
	cut = len(before) > mostOfSession || len(after) > mostOfSession
	for i := min(len(before), mostOfSession) - 1; i >= 0; i-- {
		list = append(list, before[i])
	}
	list = append(list, u)
	return append(list, after[:min(len(after), mostOfSession)]...), cut, nil
}

var errEnd = errors.New("the session ends")
