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

// problems says what the kinds mean that are sign-in's and people's own.
func problems() map[string]string {
	return map[string]string{
		"ceremony-over":      "The sign-in has taken too long, or its answer was sent before. Start again.",
		"key-refused":        "The security key was not accepted: unknown here, revoked, or used without verification of its user.",
		"key-count":          "The key's count of signatures did not go up: there may be a copy of it. The ledger has an entry.",
		"no-key":             "The person has no security key yet. An administrator makes a link that enrols one.",
		"no-session":         "This is done in a browser in which a person is signed in.",
		"no-person":          "A machine's token has no account.",
		"link-spent":         "The enrolment link was used, has expired, was replaced, or never was.",
		"provider":           "The provider of single sign-on did not answer as OpenID Connect wants it. The server's log has the reason.",
		"unknown-person":     "Single sign-on knows the person, and nobody has invited them here.",
		"own-roles":          "Nobody changes their own roles.",
		"last-administrator": "The last active administrator with a security key stays one.",
		"own-recovery":       "Whoever was made an administrator on the host does not acknowledge it.",
		"suspended":          "The person is suspended.",
		"too-many-keys":      "The person has as many keys as one may have.",
	}
}
