package access

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// judgedBy is the request as events are judged by it: what was granted, from then on.
func (x *Request) judgedBy(ctx context.Context, r *store.Reader) (reconcile.Request, error) {
	given, err := rootlog.Sessions(ctx, r, x.ID)
	if err != nil {
		return reconcile.Request{}, err
	}
	var keys []string
	for _, s := range given {
		keys = append(keys, s.AccessKey)
	}
	a := x.Asked
	q := reconcile.Request{
		ID: x.ID, Kind: a.Kind, Path: a.Path, Accounts: a.Accounts, Events: a.Events, From: x.Begins, Until: x.Ends, Networks: a.Networks,
		Session: time.Duration(a.Session) * time.Second, Opened: x.Opened, Closed: x.Over, Overrides: x.Override, Keys: keys, Recorded: true, Device: x.Device,
	}
	if q.From.Before(x.Granted) {
		q.From = x.Granted
	}
	if x.Opened.IsZero() && !x.Ended.IsZero() && x.Ended.Before(q.Until) {
		q.Until = x.Ended // withdrawn: what was approved holds no more
	}
	return q, nil
}

// mostRequests bounds the requests of one judgement.
const mostRequests = 5000

// Requests are the granted requests, as events are judged by them, whose window shares
// time with a span.
func Requests(ctx context.Context, r *store.Reader, at rootlog.Span, now time.Time) ([]reconcile.Request, error) {
	found, err := list(ctx, r, now, query+` WHERE q.granted > 0 AND q.begins <= $1 AND q.ends > $2 ORDER BY q.id LIMIT $3`, store.Micros(at.Last), store.Micros(at.First), mostRequests+1)
	if err != nil {
		return nil, err
	}
	if len(found) > mostRequests {
		return nil, fmt.Errorf("more than %d requests for root between %s and %s; hint: judge a shorter time", mostRequests, at.First.Format(time.RFC3339), at.Last.Format(time.RFC3339))
	}
	out := make([]reconcile.Request, 0, len(found))
	for _, x := range found {
		q, err := x.judgedBy(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}
