//! The first page: how the system is doing. It needs nothing but the control plane, so that it shows while core is down; the
//! money is a part of its own.

use askama::Template;
use datamp_sdk::deployments::{self, Figures, Generation};

use super::frame::Frame;
use super::respond;
use crate::access::{Answer, Nothing, Visit};
use crate::health::Health;
use crate::roles::Permission;

/// A component on the dashboard.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) health: Health,
    pub(super) active: Option<Generation>,
    pub(super) figures: Figures,
    pub(super) routes: String,
}

impl Line {
    /// What the control plane says of a component.
    pub(super) fn of(health: deployments::Health) -> Self {
        let deployments::Health { component, active, figures, routes } = health;
        Self {
            health: Health::judge(active.is_some(), figures.requests, figures.errors),
            name: component,
            active,
            figures,
            routes: routes.join(", "),
        }
    }
}

/// All components, and what they are together.
pub(super) struct Summary {
    lines: Vec<Line>,
    overall: Health,
    requests: u64,
    errors: u64,
    in_flight: u64,
    /// The slowest 99th percentile, in microseconds, and whose it is.
    slowest: Option<(u64, String)>,
}

impl Summary {
    fn of(lines: Vec<Line>) -> Self {
        let sum =
            |figure: fn(&Figures) -> u64| lines.iter().map(|line| figure(&line.figures)).fold(0, u64::saturating_add);
        let slowest = lines.iter().filter(|line| line.figures.requests > 0).max_by_key(|line| line.figures.p99);
        Self {
            overall: lines.iter().map(|line| line.health).max().unwrap_or(Health::Stopped),
            requests: sum(|figures| figures.requests),
            errors: sum(|figures| figures.errors),
            in_flight: sum(|figures| figures.in_flight),
            slowest: slowest.map(|line| (line.figures.p99, line.name.clone())),
            lines,
        }
    }

    fn now() -> Result<Self, crate::access::Refusal> {
        Ok(Self::of(deployments::components()?.into_iter().map(Line::of).collect()))
    }

    /// The key of what they are together.
    fn headline(&self) -> &'static str {
        match self.overall {
            Health::Healthy => "dashboard.all-healthy",
            Health::Degraded => "dashboard.some-degraded",
            Health::Failing => "dashboard.some-failing",
            Health::Stopped => "dashboard.some-stopped",
        }
    }

    /// The names of those that are worse than healthy.
    fn unwell(&self) -> String {
        let names: Vec<&str> =
            self.lines.iter().filter(|line| line.health > Health::Healthy).map(|line| line.name.as_str()).collect();
        names.join(", ")
    }
}

#[derive(Template)]
#[template(path = "pages/dashboard.html")]
struct Dashboard {
    f: Frame,
    s: Summary,
    money: bool,
}

#[derive(Template)]
#[template(path = "parts/health.html")]
struct HealthPart {
    f: Frame,
    s: Summary,
}

/// `GET /admin`
pub(crate) fn show(visit: &Visit, _: Nothing) -> Answer {
    let f = visit.frame("dashboard")?;
    let money = f.may(Permission::ReadMoney);
    Ok(respond(200, &Dashboard { f, s: Summary::now()?, money }))
}

/// `GET /admin/parts/health`
pub(crate) fn part(visit: &Visit, _: Nothing) -> Answer {
    Ok(respond(200, &HealthPart { f: visit.part(), s: Summary::now()? }))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;
    use datamp_sdk::deployments::State;

    pub(crate) fn generation(component: &str, number: u64, state: State) -> Generation {
        Generation {
            component: component.to_owned(),
            number,
            version: "0.1.0".to_owned(),
            state,
            sha256: "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef".to_owned(),
            size: 812_345,
            reason: None,
            deployed_by: "cli".to_owned(),
            deployed_at: "2026-11-23T09:00:00Z".to_owned(),
            activated_at: Some(format!("2026-11-23T09:00:{number:02}Z")),
        }
    }

    pub(crate) fn health(component: &str, requests: u64, errors: u64) -> deployments::Health {
        deployments::Health {
            component: component.to_owned(),
            active: Some(generation(component, 3, State::Active)),
            figures: Figures { requests, errors, in_flight: 2, p50: 410, p99: requests },
            routes: vec![format!("/{component}")],
        }
    }

    fn summary(healths: Vec<deployments::Health>) -> Summary {
        Summary::of(healths.into_iter().map(Line::of).collect())
    }

    #[test]
    fn the_worst_component_is_the_headline() {
        let all_well = summary(vec![health("core", 900, 0), health("gate", 100, 0)]);
        assert_eq!((all_well.headline(), all_well.requests), ("dashboard.all-healthy", 1000));
        assert_eq!(all_well.slowest, Some((900, "core".to_owned())));
        let stopped = deployments::Health { active: None, ..health("core", 0, 0) };
        let one_down = summary(vec![stopped, health("gate", 100, 2)]);
        assert_eq!((one_down.headline(), one_down.unwell()), ("dashboard.some-stopped", "core, gate".to_owned()));
        assert_eq!(summary(vec![]).headline(), "dashboard.some-stopped");
    }

    #[test]
    fn the_page_loads_its_money_from_elsewhere() {
        let page = Dashboard {
            f: of(Role::Support, Language::English),
            s: summary(vec![health("<core>", 5, 0)]),
            money: true,
        };
        let html = page.render().unwrap();
        assert!(html.contains("/admin/parts/money") && !html.contains("<core>"), "{html}");
    }
}
