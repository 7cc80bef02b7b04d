package access

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// judgedBy is the request as events are judged by it: what was granted, from then on, with
// the sessions that were recorded for it.
func (x *Request) judgedBy(given []rootlog.Session) reconcile.Request {
	a := x.Asked
	q := reconcile.Request{
		ID: x.ID, Kind: a.Kind, Path: a.Path, Accounts: a.Accounts, Events: a.Events, From: x.Begins, Until: x.Ends, Networks: a.Networks,
		Session: time.Duration(a.Session) * time.Second, Opened: x.Opened, Closed: x.Over, Overrides: x.Override, Recorded: true, Device: x.Device,
	}
	for _, s := range given {
		if s.AccessKey == "" {
			q.Refusals = append(q.Refusals, reconcile.Refusal{Account: s.Account, Start: s.Start, End: s.End})
			continue
		}
		q.Keys = append(q.Keys, s.AccessKey)
	}
	if q.From.Before(x.Granted) {
		q.From = x.Granted
	}
	if x.Opened.IsZero() && !x.Ended.IsZero() && x.Ended.Before(q.Until) {
		q.Until = x.Ended // withdrawn: what was approved holds no more
	}
	return q
}

// mostRequests bounds the requests of one judgement.
const mostRequests = 5000

// atATime is how many values one statement looks for.
const atATime = 200

// search looks for the granted requests that may bear on events about the root user of an
// account.
type search struct {
	account rootkeep.AccountID
	at      rootlog.Span // that their windows share time with
	most    int          // of the account's, and of the others
	found   map[string]*Request
	cut     bool // there are more
}

// requests gives those for the account, those that events name and those whose recorded
// keys events have, as events are judged by them. Of too many it is those that count first,
// and cut is true: one account with very many keeps no event from being judged.
func requests(ctx context.Context, r *store.Reader, s *search, events []*rootlog.Event, now time.Time) ([]reconcile.Request, error) {
	s.found = map[string]*Request{}
	own, err := list(ctx, r, now, query+` JOIN root_request_account o ON o.request = q.id
		WHERE o.account = $1 AND q.granted > 0 AND q.begins <= $2 AND q.ends > $3
		ORDER BY CASE WHEN q.opened > 0 THEN 0 ELSE 1 END, q.opened, q.begins, q.id LIMIT $4`,
		string(s.account), store.Micros(s.at.Last), store.Micros(s.at.First), s.most+1)
	if err != nil {
		return nil, err
	}
	s.take(own)
	names, err := named(ctx, r, events)
	if err != nil {
		return nil, err
	}
	if err := s.others(ctx, r, names, now); err != nil {
		return nil, err
	}
	given, err := rootlog.SessionsOf(ctx, r, slices.Sorted(maps.Keys(s.found)))
	if err != nil {
		return nil, err
	}
	out := make([]reconcile.Request, 0, len(s.found))
	for _, id := range slices.Sorted(maps.Keys(s.found)) {
		out = append(out, s.found[id].judgedBy(given[id]))
	}
	return out, nil
}

func (s *search) take(list []*Request) {
	if len(list) > s.most {
		list, s.cut = list[:s.most], true
	}
	for _, x := range list {
		s.found[x.ID] = x
	}
}

// others adds requests by name, of other accounts.
func (s *search) others(ctx context.Context, r *store.Reader, names []string, now time.Time) error {
	var all []*Request
	for part := range slices.Chunk(names, atATime) {
		w := clause.Where{}
		clause.In(&w, "q.id", part)
		w.And("q.granted > 0 AND q.begins <= ? AND q.ends > ?", store.Micros(s.at.Last), store.Micros(s.at.First))
		found, err := list(ctx, r, now, query+w.String()+` ORDER BY q.id`, w.Args...)
		if err != nil {
			return err
		}
		all = append(all, slices.DeleteFunc(found, func(x *Request) bool { return slices.Contains(x.Accounts(), s.account) })...)
		if len(all) > s.most {
			break
		}
	}
	s.take(all)
	return nil
}

// named are the names of requests that events have, or that the sessions have whose access
// keys events have.
func named(ctx context.Context, r *store.Reader, events []*rootlog.Event) ([]string, error) {
	names, keys := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		if strings.HasPrefix(e.SourceIdentity, access.Prefix+"-") {
			names[e.SourceIdentity] = true
		}
		keys[e.AccessKey], keys[e.IssuedKey] = true, true
	}
	delete(keys, "")
	for part := range slices.Chunk(slices.Sorted(maps.Keys(keys)), atATime) {
		w := clause.Where{}
		clause.In(&w, "access_key", part)
		found, err := store.Texts(ctx, r, `SELECT DISTINCT name FROM root_session`+w.String(), w.Args...)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}
