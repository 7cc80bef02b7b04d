package alerts

import (
	"context"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web"
)

type suppressionOut struct{ Body client.Suppression }

func wireSuppression(s *alert.Suppression, now time.Time) client.Suppression {
	return client.Suppression{
		ID: s.ID, Active: s.Active(now), Owner: s.Owner, Reason: s.Reason, Rule: s.Scope.Rule, Account: string(s.Scope.Account), Principal: s.Scope.Principal, Addresses: s.Scope.Addresses,
		Made: s.Made, MadeBy: s.By, Expires: s.Expires, Ended: s.Ended, EndedBy: s.EndedBy, Hidden: s.Hidden, Last: s.Last,
	}
}

// mostSuppressions bounds their list.
const mostSuppressions = 1000

func (a *area) apiSuppressions(ctx context.Context, in *struct {
	Ended bool `query:"ended" doc:"Also those that hide nothing any more"`
}) (*struct{ Body []client.Suppression }, error) {
	out, now := &struct{ Body []client.Suppression }{[]client.Suppression{}}, a.Now()
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		list, err := alerts.Suppressions(ctx, r, web.ActorOf(ctx), now, in.Ended, mostSuppressions)
		for _, s := range list {
			out.Body = append(out.Body, wireSuppression(s, now))
		}
		return err
	})
	return out, told(err)
}

func (a *area) apiSuppress(ctx context.Context, in *struct{ Body client.SuppressionAsk }) (out *suppressionOut, err error) {
	b := &in.Body
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := a.Desk.Suppress(ctx, tx, web.ActorOf(ctx), alert.Suppression{
			Owner: b.Owner, Reason: b.Reason, Expires: b.Expires, Scope: alert.Scope{Rule: b.Rule, Account: rootkeep.AccountID(b.Account), Principal: b.Principal, Addresses: b.Addresses},
		})
		if err == nil {
			out = &suppressionOut{wireSuppression(s, tx.Now())}
		}
		return err
	})
	return out, told(err)
}

func (a *area) apiUnsuppress(ctx context.Context, in *idIn) (out *suppressionOut, err error) {
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := a.Desk.Unsuppress(ctx, tx, web.ActorOf(ctx), in.ID)
		if err == nil {
			out = &suppressionOut{wireSuppression(s, tx.Now())}
		}
		return err
	})
	return out, told(err)
}

type volumesIn struct {
	Days int    `query:"days" minimum:"1" maximum:"90" default:"7"`
	Rule string `query:"rule" maxLength:"256" doc:"Name: this one, by the hour"`
}

func (a *area) apiVolumes(ctx context.Context, in *volumesIn) (*struct{ Body []client.RuleVolume }, error) {
	if !web.ActorOf(ctx).May(people.Read, people.Place{}) {
		return nil, web.Refuse(http.StatusForbidden, "forbidden", "what rules find is of all accounts: this needs the permission read everywhere")
	}
	out := &struct{ Body []client.RuleVolume }{[]client.RuleVolume{}}
	until := a.Now().Add(time.Hour)
	since := until.AddDate(0, 0, -in.Days)
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		var list []alert.Volume
		if in.Rule != "" {
			list, err = alerts.ByHour(ctx, r, in.Rule, since, until)
		} else {
			list, err = alerts.Volumes(ctx, r, since, until)
		}
		for _, v := range list {
			w := client.RuleVolume{Rule: v.Rule, Matches: v.Matches, Alerts: v.Alerts}
			if in.Rule != "" {
				w.Hour = time.Unix(v.Hour*3600, 0).UTC()
			}
			out.Body = append(out.Body, w)
		}
		return err
	})
	return out, told(err)
}
