package promote_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestRemove(t *testing.T) {
	branches := map[string]string{"snapshot": "apm-1.0.0=x nginx-1.0.0=y", "staging": "apm-1.0.0=x apm-1.0.1=z", "production": "apm-0.9.0=w"}
	for _, c := range []struct{ what, from, words, reason, want, steps string }{
		{"freely", "snapshot", "nginx-1.0.0", "", "nginx-1.0.0 ok -snapshot", "snapshot: -nginx-1.0.0"},
		{"freely, for a reason", "snapshot", "nginx-1.0.0", "why", "nginx-1.0.0 ok -snapshot", "snapshot: -nginx-1.0.0 †nginx-1.0.0"},
		{"without a reason", "staging", "apm-1.0.1", "", "apm-1.0.1 wants-reason refused", ""},
		{"with a reason", "staging", "apm-1.0.1", "why", "apm-1.0.1 ok -staging", "staging: -apm-1.0.1 †apm-1.0.1"},
		{"by pull request", "production", "apm-0.9.0", "why", "apm-0.9.0 ok -production", "production@remove/production/apm-0.9.0: -apm-0.9.0 †apm-0.9.0 empty"},
		{"elsewhere", "production", "apm-1.0.1", "why", "apm-1.0.1 not-found refused", ""},
		{"a name is no version", "snapshot", "nginx", "why", "nginx not-found refused", ""},
		{"a pattern is no version", "snapshot", "nginx-*", "why", "nginx-* not-found refused", ""},
		{"frozen", "experimental", "apm-1.0.1", "why", "apm-1.0.1 not-found refused", ""},
	} {
		s := storageOf(branches, nil)
		removal, err := s.Remove(c.from, strings.Split(c.words, ","), c.reason)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(promote.Plan{Items: removal.Items}); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if len(removal.Refused()) > 0 != (c.steps == "") {
			t.Errorf("%s: %d refused", c.what, len(removal.Refused()))
		}
		if c.steps != "" {
			if got := stepsShown([]promote.Step{s.RemovalStep(removal, now)}); got != c.steps {
				t.Errorf("%s: %s, want %s", c.what, got, c.steps)
			}
		}
	}
	for _, words := range [][]string{nil, {"apm-1.0.0", "apm-1.0.0"}} {
		var request *promote.RequestError
		if _, err := storageOf(branches, nil).Remove("snapshot", words, ""); !errors.As(err, &request) {
			t.Errorf("%q: %v", words, err)
		}
	}
}
