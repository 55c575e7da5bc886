package promote_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-604f7181/package-storage/build/promote"
)

func TestSelect(t *testing.T) {
	s := storageOf(map[string]string{
		"snapshot":   "apm-8.0.0=s apm-8.10.0=a apm-8.9.0=b apm-8.10.0-rc1=c 1password-1.2.0=p apm_server-1.0.0=q",
		"staging":    "apm-8.0.0=t nginx-1.0.0=n",
		"production": "apm-7.0.0=u nginx-0.9.0=m",
	}, nil)
	for _, c := range []struct{ to, words, want string }{
		{"production", "apm-8.10.0", "apm-8.10.0 snapshot"},
		{"production", "apm-8.10.0-rc1", "apm-8.10.0-rc1 snapshot"},
		{"production", "1password-1.2.0", "1password-1.2.0 snapshot"},
		{"production", "apm-8.0.0", "apm-8.0.0 staging"}, // the nearest that has it
		{"staging", "apm-8.0.0", "apm-8.0.0 snapshot"},
		{"production", "apm", "apm-8.0.0 staging"}, // the newest there
		{"staging", "apm", "apm-8.10.0 snapshot"},  // not 8.9.0, not a release candidate
		{"staging", "apm_server", "apm_server-1.0.0 snapshot"},
		{"production", "apm-8.*", "apm-8.0.0 staging; apm-8.9.0 snapshot; apm-8.10.0-rc1 snapshot; apm-8.10.0 snapshot"},
		{"production", "*-1.?.0", "1password-1.2.0 snapshot; apm_server-1.0.0 snapshot; nginx-1.0.0 staging"},
		{"production", "apm-8.1*,apm-8.10.0", "apm-8.10.0-rc1 snapshot; apm-8.10.0 snapshot"}, // once
		{"production", "nginx-0.9.0", "nginx-0.9.0 "},                                         // there already, from nowhere
		{"staging", "nginx", "nginx-1.0.0 "},
		{"production", "apm-9.9.9", "apm-9.9.9 ?apm-8.9.0 apm-8.0.0 apm-7.0.0"},
		{"production", "ngnix-1.0.0", "ngnix-1.0.0 ?nginx-1.0.0 nginx-0.9.0"},
		{"production", "zzzzzzzz", "zzzzzzzz ?"},
		{"production", "zz*", "zz* ?"},
	} {
		found, err := s.Select(promote.Request{To: c.to, Packages: strings.Split(c.words, ",")})
		if err != nil {
			t.Errorf("%s to %s: %v", c.words, c.to, err)
			continue
		}
		var got []string
		for _, one := range found {
			line := one.Label() + " " + one.From
			if one.Name == "" {
				line += "?" + strings.Join(one.Near, " ")
			}
			got = append(got, line)
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s to %s: %q, want %q", c.words, c.to, text, c.want)
		}
	}
	for what, r := range map[string]promote.Request{
		"nothing downstream": {To: "snapshot", Packages: []string{"apm"}}, "a frozen one": {To: "experimental", Packages: []string{"apm"}},
		"nothing": {To: "staging"}, "twice": {To: "staging", Packages: []string{"apm-8.9.0", "apm-8.9.0"}},
		"no pattern": {To: "staging", Packages: []string{"apm-[8"}}, "an empty word": {To: "staging", Packages: []string{""}},
	} {
		_, err := s.Select(r)
		var request *promote.RequestError
		if !errors.As(err, &request) || request.WayOut == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
