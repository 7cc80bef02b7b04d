package signin

import (
	"errors"
	"net/http"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Told makes the errors of internal/store/people that a person can do something about
// refusals with their text; others it gives as they are.
func Told(err error) error {
	var fault *persons.Fault
	switch {
	case errors.As(err, &fault):
		return &web.Refusal{
			Status: http.StatusUnprocessableEntity, Kind: "invalid", Detail: fault.Error(),
			Errors: []client.Fault{{Message: fault.Want, Location: "body." + fault.Field}},
		}
	case errors.Is(err, persons.ErrSpent):
		return errLink
	}
	for kind, known := range map[string]error{
		"own-roles": persons.ErrSelf, "last-administrator": persons.ErrLastAdmin, "own-recovery": persons.ErrOwnRecovery, "suspended": persons.ErrSuspended,
		"too-many-keys": persons.ErrManyKeys,
	} {
		if errors.Is(err, known) {
			return web.Refuse(http.StatusConflict, kind, known.Error())
		}
	}
	return err
}

// Everywhere holds an actor to one of the permissions for the organization as a whole: a
// grant on an account is not enough for what concerns everybody.
func Everywhere(a people.Actor, any ...people.Permission) error {
	for _, p := range any {
		if a.May(p, people.Place{}) {
			return nil
		}
	}
	return web.Refuse(http.StatusForbidden, "forbidden", "this needs the permission "+string(any[0])+" for the whole organization")
}
