//! The shapes on the wire. Plain data: no rule lives here, and no other room's type leaks out, so that a room may change inside
//! without breaking a client. `null` always means "not known", never zero.

mod access;
mod audit;
mod decision;
mod event;
mod explanation;
mod forecast;
mod job;
mod job_request;
mod job_result;
mod operate;
mod plan;
mod service;
mod service_detail;

pub use access::{MadeToken, May, NewTokenBody, Role, SessionInfo, SignInBody, Token, TokenList, Via};
pub use audit::{AuditEntry, AuditList};
pub use decision::{Candidate, Check, Decision, DecisionInputs, DecisionList};
pub use event::{Beat, Change, EventData, ServiceChange};
pub use explanation::{Explanation, ForecastMix, JudgedMember};
pub use forecast::{Basis, BeyondHistory, Forecast, ForecastPoint, Member, PlannedStep, Series, WindowMax};
pub use job::{CellPlan, Job, JobDetail, JobEstimate, JobKind, JobList, JobNow, JobSize, JobState};
pub use job_request::{BacktestJob, JobBody, JobRequest, JobText, LoadOrigin, ScenarioJob, Shape, WhatIf};
pub use job_result::{Cell, CellPoint, Comparison, ComparisonRow, Difference, Figure, JobResult, LeadScore, ModelScore, Span};
pub use operate::{EditBody, Mode, ModeBody, Pause, PauseState, Paused, RejectBody};
pub use plan::{Plan, Plans};
pub use service::{
    DataHealth, DataState, ForecastHealth, ForecastState, LastDecision, NextStep, Overview, Replicas, ServiceSummary, Spark,
};
pub use service_detail::{Accuracy, Backend, Capacity, Coverage, Event, Proxy, Rails, ServiceDetail, Slo};
